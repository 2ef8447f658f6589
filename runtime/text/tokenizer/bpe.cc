#include "runtime/text/tokenizer/bpe.h"

#include <algorithm>

#include "runtime/base/utf8.h"

namespace ingot::text {
namespace {

// Above this many symbols a heap finds the next merge faster than a scan.
constexpr size_t kShortSymbols = 64;
// New symbols of a window, and finished tokens before them that it looks at again.
constexpr size_t kWindowSymbols = 32, kWindowOverlap = 2;

std::string_view viewOf(const flatbuffers::String* text) { return text ? text->string_view() : std::string_view(); }

std::span<const Bpe::Unused> rowsOf(const flatbuffers::Vector<int32_t>* unused) {
  if (!unused) return {};
  return {reinterpret_cast<const Bpe::Unused*>(unused->data()), unused->size() / 3};
}

bool comesLater(const BpeScratch::Candidate& a, const BpeScratch::Candidate& b) { return a.rank != b.rank ? a.rank > b.rank : a.left > b.left; }

}  // namespace

Bpe::Bpe(const plan::Model& model, const Vocabulary& vocabulary)
    : model_(model),
      vocabulary_(vocabulary),
      merges_(model.merges()->data()),
      mask_(model.merges()->size() - 1),
      probes_(std::min<uint64_t>(model.merge_probes(), mask_ + 1)),
      mergeCount_(model.merged()->size()),
      merged_(model.merged()->data()),
      ranks_(model.ranks() && model.ranks()->size() ? model.ranks()->data() : nullptr),
      whole_(model.whole()->data()),
      atoms_(model.atoms() && model.atoms()->size() ? model.atoms()->data() : nullptr),
      unused_(rowsOf(model.unused())),
      boundary_(viewOf(model.boundary())),
      hasAffixes_(!viewOf(model.prefix()).empty() || !viewOf(model.suffix()).empty()),
      byteLevel_(model.byte_level()),
      ignoreMerges_(model.ignore_merges()),
      longest_(model.longest()) {}

int64_t Bpe::findMerge(int32_t left, int32_t right) const {
  uint64_t key = uint64_t(static_cast<uint32_t>(left)) << kIdBits | static_cast<uint32_t>(right);
  uint64_t hash = hashPair(static_cast<uint32_t>(left), static_cast<uint32_t>(right));
  for (uint64_t slot = hash, last = hash + probes_; slot != last; ++slot) {
    uint64_t entry = merges_[slot & mask_];
    if (entry == 0) return -1;
    if (entry >> kMergeBits != key) continue;
    auto index = static_cast<int64_t>((entry & ((1u << kMergeBits) - 1)) - 1);
    return index < mergeCount_ ? index : -1;
  }
  return -1;
}

bool Bpe::addBytes(std::string_view symbol, std::vector<int32_t>& ids) const {
  size_t before = ids.size();
  for (char c : symbol) {
    int32_t id = model_.byte_ids()->Get(static_cast<unsigned char>(c));
    if (id < 0) return ids.resize(before), false;
    ids.push_back(id);
  }
  return true;
}

// The token of one character with its affixes; leaves the spelling in scratch.affixed where there are any.
int32_t Bpe::symbolId(std::string_view piece, size_t start, size_t end, BpeScratch& scratch) const {
  std::string_view symbol = piece.substr(start, end - start);
  if (!hasAffixes_) return vocabulary_.find(symbol);
  scratch.affixed.clear();
  if (start > 0) scratch.affixed.append(viewOf(model_.prefix()));
  scratch.affixed.append(symbol);
  if (end == piece.size()) scratch.affixed.append(viewOf(model_.suffix()));
  return vocabulary_.find(scratch.affixed);
}

int32_t Bpe::atomAt(std::string_view piece, size_t& at) const {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(piece[i]); };
  if (!atoms_ || byte(at) < 0xc0 || (at > 0 && byte(at - 1) < 0x80)) return -1;
  size_t end = at + (byte(at) < 0xe0 ? 2 : byte(at) < 0xf0 ? 3 : 4);
  if (end > piece.size() || (end < piece.size() && byte(end) < 0x80)) return -1;
  int32_t id = vocabulary_.find(piece.substr(at, end - at));
  if (id < 0 || !(atoms_[id >> 3] >> (id & 7) & 1)) return -1;
  at = end;
  return id;
}

void Bpe::addSymbols(std::string_view piece, BpeScratch& scratch) const {
  auto& ids = scratch.ids;
  ids.clear();
  bool unknown = false;  // one waits, and comes after bytes that follow it: so does the reference
  for (size_t at = 0; at < piece.size();) {
    size_t start = at;
    int32_t id;
    if (byteLevel_) {
      id = atomAt(piece, at);
      if (id < 0) id = model_.byte_ids()->Get(static_cast<unsigned char>(piece[at++]));
    } else {
      decodeAt(piece, at);
      id = symbolId(piece, start, at, scratch);
    }
    if (id >= 0) {
      if (std::exchange(unknown, false)) ids.push_back(model_.unk_id());
      ids.push_back(id);
      continue;
    }
    std::string_view symbol = hasAffixes_ ? std::string_view(scratch.affixed) : piece.substr(start, at - start);
    if (model_.byte_fallback() && addBytes(symbol, ids)) continue;
    if (model_.unk_id() < 0) continue;
    if (unknown && !model_.fuse_unk()) ids.push_back(model_.unk_id());
    unknown = true;
  }
  if (unknown) ids.push_back(model_.unk_id());
}

void Bpe::mergeShort(std::span<const int32_t> symbols, std::vector<BpeScratch::Token>& tokens) const {
  constexpr uint32_t kNone = UINT32_MAX;
  uint32_t ranks[kShortSymbols], sizes[kShortSymbols];
  int32_t ids[kShortSymbols], merges[kShortSymbols];
  size_t count = symbols.size();
  auto look = [&](size_t i) {
    int64_t merge = i + 1 < count ? findMerge(ids[i], ids[i + 1]) : -1;
    merges[i] = static_cast<int32_t>(merge);
    ranks[i] = merge < 0 ? kNone : rankOf(merge);
  };
  for (size_t i = 0; i < count; ++i) ids[i] = symbols[i], sizes[i] = 1;
  for (size_t i = 0; i < count; ++i) look(i);
  while (true) {
    uint32_t rank = kNone;
    for (size_t i = 0; i < count; ++i) rank = std::min(rank, ranks[i]);
    if (rank == kNone) break;
    size_t best = 0;
    while (ranks[best] != rank) ++best;
    ids[best] = merged_[merges[best]];
    sizes[best] += sizes[best + 1];
    --count;
    for (size_t i = best + 1; i < count; ++i) ids[i] = ids[i + 1], sizes[i] = sizes[i + 1], ranks[i] = ranks[i + 1], merges[i] = merges[i + 1];
    look(best);
    if (best > 0) look(best - 1);
  }
  tokens.clear();
  for (size_t i = 0; i < count; ++i) tokens.push_back({ids[i], sizes[i]});
}

void Bpe::offer(int32_t left, BpeScratch& scratch, bool sorted) const {
  if (left < 0) return;
  const auto& symbol = scratch.symbols[static_cast<size_t>(left)];
  if (symbol.next < 0) return;
  int32_t rightId = scratch.symbols[static_cast<size_t>(symbol.next)].id;
  int64_t merge = findMerge(symbol.id, rightId);
  if (merge < 0) return;
  scratch.heap.push_back({rankOf(merge), left, symbol.id, rightId, merged_[merge]});
  if (sorted) std::push_heap(scratch.heap.begin(), scratch.heap.end(), comesLater);
}

void Bpe::mergeLong(std::span<const int32_t> ids, BpeScratch& scratch, std::vector<BpeScratch::Token>& tokens) const {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  symbols.clear();
  heap.clear();
  auto count = static_cast<int32_t>(ids.size());
  for (int32_t i = 0; i < count; ++i) symbols.push_back({ids[static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1, 1});
  for (int32_t i = 0; i < count; ++i) offer(i, scratch, false);
  std::make_heap(heap.begin(), heap.end(), comesLater);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), comesLater);
    BpeScratch::Candidate top = heap.back();
    heap.pop_back();
    auto& left = symbols[static_cast<size_t>(top.left)];
    // A candidate is stale when either side was merged meanwhile.
    if (left.id != top.leftId || left.next < 0 || symbols[static_cast<size_t>(left.next)].id != top.rightId) continue;
    auto& dead = symbols[static_cast<size_t>(left.next)];
    left.id = top.merged;
    left.symbols += dead.symbols;
    left.next = dead.next;
    dead.id = -1;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = top.left;
    offer(left.previous, scratch, true);
    offer(top.left, scratch, true);
  }
  tokens.clear();
  for (const auto& symbol : symbols)
    if (symbol.id >= 0) tokens.push_back({symbol.id, symbol.symbols});
}

void Bpe::merge(std::span<const int32_t> symbols, BpeScratch& scratch, std::vector<BpeScratch::Token>& tokens) const {
  if (symbols.size() > kShortSymbols) mergeLong(symbols, scratch, tokens);
  else mergeShort(symbols, tokens);
}

// Whether two neighbours merge to themselves when they are alone; `symbols` are theirs.
bool Bpe::standsApart(std::span<const int32_t> symbols, BpeScratch::Token left, BpeScratch::Token right, BpeScratch& scratch) const {
  merge(symbols, scratch, scratch.pair);
  return scratch.pair.size() == 2 && scratch.pair[0].id == left.id && scratch.pair[0].symbols == left.symbols && scratch.pair[1].id == right.id;
}

// A list of tokens is what the whole merges to if and only if every two neighbours stand apart. (Until a merge first
// crosses a border between tokens, each token's own merges happen in the order they would without the others; so that
// merge would cross the border between the two alone as well.) So a long piece is merged in windows of a few symbols, each
// starting some tokens before the last one's end, and earlier where it does not fit what is left before it.
void Bpe::mergeWindows(BpeScratch& scratch) const {
  std::span<const int32_t> symbols = scratch.ids;
  auto& tokens = scratch.tokens;
  tokens.clear();
  for (size_t done = 0; done < symbols.size();) {
    size_t begin = done, end = done;
    for (size_t overlap = kWindowOverlap;; overlap *= 2) {
      for (size_t i = 0; i < overlap && !tokens.empty(); ++i, tokens.pop_back()) begin -= tokens.back().symbols;
      end = std::min(symbols.size(), done + std::max(kWindowSymbols, done - begin));
      merge(symbols.subspan(begin, end - begin), scratch, scratch.window);
      if (tokens.empty()) break;
      BpeScratch::Token left = tokens.back(), right = scratch.window.front();
      if (standsApart(symbols.subspan(begin - left.symbols, left.symbols + right.symbols), left, right, scratch)) break;
    }
    tokens.insert(tokens.end(), scratch.window.begin(), scratch.window.end());
    done = end;
  }
}

void Bpe::addToken(int32_t id, std::vector<int32_t>& ids) const {
  auto row = std::lower_bound(unused_.begin(), unused_.end(), id, [](const Unused& one, int32_t wanted) { return one.id < wanted; });
  if (row == unused_.end() || row->id != id) return ids.push_back(id);
  addToken(row->left, ids);
  addToken(row->right, ids);
}

void Bpe::encodePart(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (piece.size() <= longest_) {
    int32_t id = vocabulary_.find(piece);
    if (id >= 0 && (ignoreMerges_ || (whole_[id >> 3] >> (id & 7) & 1))) return ids.push_back(id);
  }
  addSymbols(piece, scratch);
  if (scratch.ids.size() > kShortSymbols) mergeWindows(scratch);
  else mergeShort(scratch.ids, scratch.tokens);
  for (const auto& token : scratch.tokens) addToken(token.id, ids);
}

void Bpe::encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (boundary_.empty()) return encodePart(piece, scratch, ids);
  if (ignoreMerges_ && piece.size() <= longest_)
    if (int32_t id = vocabulary_.find(piece); id >= 0) return ids.push_back(id);
  // Words are apart: cut before every run of the boundary.
  size_t begin = 0;
  for (size_t at = 0; (at = piece.find(boundary_, at)) != std::string_view::npos;) {
    if (at > begin) encodePart(piece.substr(begin, at - begin), scratch, ids);
    begin = at;
    while (piece.substr(at, boundary_.size()) == boundary_) at += boundary_.size();
  }
  if (begin < piece.size()) encodePart(piece.substr(begin), scratch, ids);
}

}  // namespace ingot::text
