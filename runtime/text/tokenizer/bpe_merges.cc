// The part of Bpe that merges symbols.
#include <algorithm>

#include "runtime/text/tokenizer/bpe.h"

namespace ingot::text {
namespace {

// Above this many symbols a heap finds the next merge faster than a scan.
constexpr size_t kPlaceBits = 6, kShortSymbols = 1 << kPlaceBits;
static_assert(kMergeBits + kPlaceBits < 31);
// New symbols of a window, and finished tokens before them that it looks at again.
constexpr size_t kWindowSymbols = 32, kWindowOverlap = 2;

bool comesLater(const BpeScratch::Candidate& a, const BpeScratch::Candidate& b) { return a.rank != b.rank ? a.rank > b.rank : a.left > b.left; }

}  // namespace

// An entry is both tokens and the merge's index plus one, as in the tables; 0 for the index says that there is no merge.
int64_t Bpe::findMerge(int32_t left, int32_t right, BpeScratch& scratch) const {
  uint64_t key = uint64_t(static_cast<uint32_t>(left)) << kIdBits | static_cast<uint32_t>(right);
  uint64_t hash = hashPair(static_cast<uint32_t>(left), static_cast<uint32_t>(right));
  uint64_t& known = scratch.knownMerges[hash % scratch.knownMerges.size()];
  if (known == 0 || known >> kMergeBits != key) known = key << kMergeBits | static_cast<uint64_t>(searchMerge(key, hash) + 1);
  return static_cast<int64_t>(known % (1u << kMergeBits)) - 1;
}

int64_t Bpe::searchMerge(uint64_t key, uint64_t hash) const {
  for (uint64_t slot = hash, last = hash + probes_; slot != last; ++slot) {
    uint64_t entry = merges_[slot & mask_];
    if (entry == 0) return -1;
    if (entry >> kMergeBits != key) continue;
    auto index = static_cast<int64_t>((entry & ((1u << kMergeBits) - 1)) - 1);
    return index < mergeCount_ ? index : -1;
  }
  return -1;
}

// Symbols stay where they are: one that is merged keeps the place of its left part, `next` and `previous` skip the other. The best
// merge is the least of its rank and its place in one number.
void Bpe::mergeShort(std::span<const int32_t> symbols, BpeScratch& scratch, std::vector<BpeScratch::Token>& tokens) const {
  constexpr uint32_t kNone = INT32_MAX;
  uint32_t keys[kShortSymbols];
  int32_t ids[kShortSymbols], merges[kShortSymbols];
  uint8_t next[kShortSymbols], previous[kShortSymbols];
  const size_t count = symbols.size();
  auto look = [&](size_t i) {
    int64_t merge = next[i] < count ? findMerge(ids[i], ids[next[i]], scratch) : -1;
    merges[i] = static_cast<int32_t>(merge);
    keys[i] = merge < 0 ? kNone : (rankOf(merge) << kPlaceBits | static_cast<uint32_t>(i)) & kNone;
  };
  for (size_t i = 0; i < count; ++i) ids[i] = symbols[i], next[i] = static_cast<uint8_t>(i + 1), previous[i] = static_cast<uint8_t>(i - 1);
  for (size_t i = 0; i < count; ++i) look(i);
  while (true) {
    uint32_t best = kNone;
    for (size_t i = 0; i < count; ++i) best = std::min(best, keys[i]);
    if (best == kNone) break;
    size_t left = best % kShortSymbols, right = next[left];
    ids[left] = merged_[merges[left]];
    keys[right] = kNone;
    next[left] = next[right];
    if (next[left] < count) previous[next[left]] = static_cast<uint8_t>(left);
    look(left);
    if (left > 0) look(previous[left]);
  }
  tokens.clear();
  for (size_t i = 0; i < count; i = next[i]) tokens.push_back({ids[i], static_cast<uint32_t>(next[i] - i)});
}

void Bpe::offer(int32_t left, BpeScratch& scratch, bool sorted) const {
  if (left < 0) return;
  const auto& symbol = scratch.symbols[static_cast<size_t>(left)];
  if (symbol.next < 0) return;
  int32_t rightId = scratch.symbols[static_cast<size_t>(symbol.next)].id;
  int64_t merge = findMerge(symbol.id, rightId, scratch);
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
  else mergeShort(symbols, scratch, tokens);
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

void Bpe::mergeSymbols(BpeScratch& scratch) const {
  if (scratch.ids.size() > kShortSymbols) mergeWindows(scratch);
  else mergeShort(scratch.ids, scratch, scratch.tokens);
}

}  // namespace ingot::text
