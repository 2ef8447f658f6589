#include "runtime/text/tokenizer/bpe.h"

#include <algorithm>

#include "runtime/text/tokenizer/utf8.h"

namespace ingot::text {
namespace {

// Above this many symbols a heap finds the next merge faster than a scan.
constexpr size_t kShortSymbols = 32;

}  // namespace

Bpe::Bpe(const plan::Model& model, const Vocabulary& vocabulary)
    : model_(model), vocabulary_(vocabulary), merges_(model.merges()->data()), mask_(model.merges()->size() / 4 - 1),
      whole_(model.whole()->data()),
      hasAffixes_((model.prefix() && model.prefix()->size()) || (model.suffix() && model.suffix()->size())) {}

const uint32_t* Bpe::findMerge(int32_t left, int32_t right) const {
  for (uint64_t slot = hashPair(static_cast<uint32_t>(left), static_cast<uint32_t>(right));; ++slot) {
    const uint32_t* entry = merges_ + (slot & mask_) * 4;
    if (entry[0] == 0) return nullptr;
    if (entry[0] == static_cast<uint32_t>(left) + 1 && entry[1] == static_cast<uint32_t>(right)) return entry;
  }
}

void Bpe::addUnknown(std::string_view symbol, bool& lastUnknown, std::vector<BpeScratch::Symbol>& symbols) const {
  if (model_.byte_fallback()) {
    bool all = std::all_of(symbol.begin(), symbol.end(), [&](char c) { return model_.byte_ids()->Get(static_cast<unsigned char>(c)) >= 0; });
    if (all) {
      for (char c : symbol) symbols.push_back({model_.byte_ids()->Get(static_cast<unsigned char>(c)), 0, 0});
      lastUnknown = false;
      return;
    }
  }
  if (model_.unk_id() >= 0 && !(lastUnknown && model_.fuse_unk())) symbols.push_back({model_.unk_id(), 0, 0});
  lastUnknown = true;
}

void Bpe::addSymbols(std::string_view piece, BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  symbols.clear();
  bool lastUnknown = false;
  for (size_t at = 0; at < piece.size();) {
    size_t start = at;
    if (model_.byte_level()) ++at;
    else decodeAt(piece, at);
    std::string_view symbol = piece.substr(start, at - start);
    int32_t id;
    if (model_.byte_level()) {
      id = model_.byte_ids()->Get(static_cast<unsigned char>(symbol[0]));
    } else if (hasAffixes_) {
      scratch.affixed.clear();
      if (start > 0 && model_.prefix()) scratch.affixed.append(model_.prefix()->string_view());
      scratch.affixed.append(symbol);
      if (at == piece.size() && model_.suffix()) scratch.affixed.append(model_.suffix()->string_view());
      id = vocabulary_.find(scratch.affixed);
    } else {
      id = vocabulary_.find(symbol);
    }
    if (id >= 0) symbols.push_back({id, 0, 0}), lastUnknown = false;
    else addUnknown(symbol, lastUnknown, symbols);
  }
}

void Bpe::mergeShort(BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  // previous holds the rank of the pair that starts here, next the merged id.
  constexpr int32_t kNone = INT32_MAX;
  auto look = [&](size_t i) {
    const uint32_t* merge = i + 1 < symbols.size() ? findMerge(symbols[i].id, symbols[i + 1].id) : nullptr;
    symbols[i].previous = merge ? static_cast<int32_t>(merge[2]) : kNone;
    symbols[i].next = merge ? static_cast<int32_t>(merge[3]) : 0;
  };
  for (size_t i = 0; i < symbols.size(); ++i) look(i);
  while (true) {
    size_t best = 0;
    int32_t rank = kNone;
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      if (symbols[i].previous < rank) rank = symbols[i].previous, best = i;
    if (rank == kNone) return;
    symbols[best].id = symbols[best].next;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    look(best);
    if (best > 0) look(best - 1);
  }
}

void Bpe::mergeLong(BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  auto later = [](const BpeScratch::Candidate& a, const BpeScratch::Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  };
  auto offer = [&](int32_t left, bool sorted) {
    if (left < 0) return;
    auto& symbol = symbols[static_cast<size_t>(left)];
    if (symbol.next < 0) return;
    int32_t rightId = symbols[static_cast<size_t>(symbol.next)].id;
    const uint32_t* merge = findMerge(symbol.id, rightId);
    if (!merge) return;
    heap.push_back({merge[2], left, symbol.id, rightId, static_cast<int32_t>(merge[3])});
    if (sorted) std::push_heap(heap.begin(), heap.end(), later);
  };
  auto count = static_cast<int32_t>(symbols.size());
  for (int32_t i = 0; i < count; ++i) symbols[static_cast<size_t>(i)].previous = i - 1, symbols[static_cast<size_t>(i)].next = i + 1 < count ? i + 1 : -1;
  heap.clear();
  for (int32_t i = 0; i < count; ++i) offer(i, false);
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    BpeScratch::Candidate top = heap.back();
    heap.pop_back();
    auto& left = symbols[static_cast<size_t>(top.left)];
    // A candidate is stale when either side was merged meanwhile.
    if (left.id != top.leftId || left.next < 0 || symbols[static_cast<size_t>(left.next)].id != top.rightId) continue;
    int32_t dead = left.next;
    left.id = top.merged;
    left.next = symbols[static_cast<size_t>(dead)].next;
    symbols[static_cast<size_t>(dead)].id = -1;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = top.left;
    offer(left.previous, true);
    offer(top.left, true);
  }
  std::erase_if(symbols, [](const BpeScratch::Symbol& s) { return s.id < 0; });
}

void Bpe::encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (!hasAffixes_ && piece.size() <= model_.longest()) {
    int32_t id = vocabulary_.find(piece);
    if (id >= 0 && (model_.ignore_merges() || (whole_[id >> 3] >> (id & 7) & 1))) {
      ids.push_back(id);
      return;
    }
  }
  addSymbols(piece, scratch);
  if (scratch.symbols.size() > kShortSymbols) mergeLong(scratch);
  else mergeShort(scratch);
  for (const auto& symbol : scratch.symbols) ids.push_back(symbol.id);
}

}  // namespace ingot::text
