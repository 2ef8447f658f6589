// The rows of warps that go through all spans of their sequence (whole.cuh, prompt.cuh): a warp has the tokens of a query block, as rows, and one
// query head. The warps of a tile share a KV head: they have query heads of its group, and where that has fewer than warps, of query blocks that
// follow each other.
#pragma once

#include "kernels/attention/result.cuh"
#include "kernels/attention/span.cuh"

namespace attention {

// Whether prompts of many tokens have a kernel of their own.
template <class C>
constexpr bool kLeavesPrompts = kHasWarpgroups && hasCudaPrompt(C::kCache == CacheType::f16 || C::kCache == CacheType::bf16, C::kHeadDim);

// Splits wait for keys, and then for values: three blocks of a multiprocessor keep memory busier than two. Their registers do for rows of 64 columns
// at once, which cost scores that are computed again, but not for what some models have besides.
template <class C>
constexpr bool kIsPlain = C::kWindow == 0 && C::kSoftcap == 0 && !C::kAlibi && C::kResultGroup <= 64;
template <class C>
constexpr bool kHasThreeBlocks = C::kHeadDim <= 64 || (kLeavesPrompts<C> && kIsPlain<C>);

// Columns of the result at once: all of up to `most`. Groups of a quantised result, and what a load brings, stay whole.
constexpr int columnsAtOnce(int headDim, int most, int group, int loaded) {
  int columns = headDim <= most ? headDim : 64, unit = group > loaded ? group : loaded;
  while (headDim % columns != 0 || columns % unit != 0) --columns;
  return columns;
}

// Tokens [first, last] of a sequence, all that its rows see.
struct KvRange {
  int first, last;
  const ingot_i32* pages;

  INGOT_MEMBER bool has(int start) const { return start <= last && start + kSpanTokens > first; }
};

template <class C, int Warps, int MostColumns>
struct Rows {
  static constexpr int kHeads = C::kHeads, kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kGroupHeads = kHeads / kKvHeads;
  static constexpr int kParts = attentionGroupParts(kGroupHeads), kPartHeads = (kGroupHeads + kParts - 1) / kParts;
  static constexpr int kBlocks = attentionBlocks(kGroupHeads, Warps);
  static constexpr int kColumns = columnsAtOnce(kHeadDim, MostColumns, C::kResultGroup, 16 * fragmentsPerLoad(C::kCache, kHeadDim)),
                       kColumnTiles = kColumns / 8;
  // In fours, in shared memory: from one finished row to the next, and what a warp has for them, or for its sums of the splits before.
  static constexpr int kStride = kColumns / 4 + 1, kSums = (kColumnTiles + 1) * kWarp;
  static constexpr int kWarpFours = kAttentionRows * kStride > kSums ? kAttentionRows* kStride : kSums;
  typedef attention::Sums<kColumnTiles> Sums;
  typedef SharedArray<FourFloats, Warps * kWarpFours> Shared;
  // Of a warp: its head's row of the first of its tokens, counted in rows of heads, and the first of the columns. Its tokens are those that
  // its sight ends with; it sees nothing where it has no work.
  struct Work {
    int row, column;
    QueryRange range;

    INGOT_MEMBER int tokens() const { return range.last - range.lowest + 1; }
    INGOT_MEMBER bool sees(int start) const { return start <= range.last && start + kSpanTokens > Span<C>::firstSeen(range.lowest); }
  };

  // Query blocks of several tokens go together, so many from a multiple of that on, where they are of one sequence.
  INGOT_INLINE bool joins(const IngotBatch& batch, int index) {
    IngotQueryBlock one = batch.blocks[index - 1], other = batch.blocks[index];
    return one.sequence == other.sequence && one.num_tokens > 1 && other.num_tokens > 1;
  }
  INGOT_INLINE int blocksBefore(const IngotBatch& batch, int index) { return kBlocks > 1 && index % kBlocks != 0 && joins(batch, index); }
  INGOT_INLINE int blocksFrom(const IngotBatch& batch, int index) {
    int blocks = 1;
    while ((index + blocks) % kBlocks != 0 && index + blocks < batch.num_blocks && joins(batch, index + blocks)) ++blocks;
    return blocks;
  }
  INGOT_INLINE KvRange kvRangeOf(const IngotBatch& batch, int index, int blocks) {
    const IngotQueryBlock first = batch.blocks[index], final = batch.blocks[index + blocks - 1];
    return {Span<C>::firstSeen(batch.positions[first.first_token]), batch.positions[final.first_token] + final.num_tokens - 1,
            batch.page_table + (long long)first.sequence * batch.max_pages};
  }

  INGOT_INLINE int kvHeadOf(int tile) { return tile / kParts; }
  // Of the calling warp, where the tile has so many blocks from `index` on.
  INGOT_INLINE Work workOf(const IngotBatch& batch, int index, int blocks, int tile) {
    int warp = threadIdx.x / kWarp;
    opaque(warp);  // who calls twice wants nothing to be kept in between
    int head = tile % kParts * kPartHeads + warp % kPartHeads, firstHead = kvHeadOf(tile) * kGroupHeads;
    bool works = warp / kPartHeads < blocks && head < kGroupHeads;
    const IngotQueryBlock block = batch.blocks[index + (works ? warp / kPartHeads : 0)];
    int position = batch.positions[block.first_token], row = block.first_token * kHeads + firstHead + (works ? head : 0);
    if (!works) return {row, 0, {0, -1, 0}};
    return {row, 0, {position, position + block.num_tokens - 1, Span<C>::slopeOf(firstHead + head)}};
  }

  // The lane's sums of the splits before lie in shared memory: every column tile's, then the largest scores and the totals.
  INGOT_INLINE int sumsAt() { return (int)(threadIdx.x / kWarp) * kWarpFours + (int)(threadIdx.x % kWarp); }
  INGOT_INLINE void foldIn(const Sums& sums, bool hasBefore, Shared& rows) {
    int first = sumsAt();
    FourFloats state{{-infinity(), -infinity(), 0, 0}};
    if (hasBefore) state = rows[first + kColumnTiles * kWarp];
    Rescale f[2];
    for (int r = 0; r < 2; ++r) {
      f[r] = rescaleOf(state.at[r], sums.largest[r]);
      state.at[r] = f[r].largest;
      state.at[2 + r] = fold(state.at[2 + r], sums.total[r], f[r]);
    }
    rows[first + kColumnTiles * kWarp] = state;
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
      FourFloats sum{};
      if (hasBefore) sum = rows[first + n * kWarp];
      for (int i = 0; i < 4; ++i) sum.at[i] = fold(sum.at[i], sums.output[n][i], f[i / 2]);
      rows[first + n * kWarp] = sum;
    }
  }
  // Of a split of which the warp sees something.
  INGOT_INLINE void foldSplit(const Sums& sums, int split, const QueryRange& range, Shared& rows) {
    int firstSeen = Span<C>::firstSeen(range.lowest);
    bool isSeen = split * INGOT_SPLIT_TOKENS <= range.last && (split + 1) * INGOT_SPLIT_TOKENS > firstSeen;
    if (isSeen) foldIn(sums, split > firstSeen / INGOT_SPLIT_TOKENS, rows);
  }

  // Lanes side by side exchange halves, so that each has four columns of one row; rows go to their places by way of shared memory.
  INGOT_INLINE void finish(const Work& work, void* y, Shared& rows) {
    int first = threadIdx.x / kWarp * kWarpFours, lane = threadIdx.x % kWarp;
    bool odd = lane % 2;
    FourFloats state = rows[sumsAt() + kColumnTiles * kWarp], fours[kColumnTiles];
    float shares[2] = {reciprocal(state.at[2]), reciprocal(state.at[3])};
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
      FourFloats sum = rows[sumsAt() + n * kWarp];
      for (int i = 0; i < 2; ++i) {
        float above = sum.at[i] * shares[0], below = sum.at[2 + i] * shares[1];
        float other = __shfl_xor_sync(kFullWarp, odd ? above : below, 1);
        fours[n].at[i] = odd ? other : above;
        fours[n].at[2 + i] = odd ? below : other;
      }
    }
    __syncwarp();
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) rows[first + (lane / 4 + odd * 8) * kStride + n * 2 + lane % 4 / 2] = fours[n];
    __syncwarp();
    int tokens = work.tokens();
    for (int i = lane; i - lane < tokens * (kColumns / 4); i += kWarp) {
      int row = i / (kColumns / 4), column = i % (kColumns / 4);
      bool isRow = row < tokens;
      FourFloats four{};
      if (isRow) four = rows[first + row * kStride + column];
      storeResult<C>(y, work.row / kHeads + row, isRow ? work.row % kHeads * kHeadDim + work.column + column * 4 : kHeads * kHeadDim, four);
    }
    __syncwarp();
  }
};

}  // namespace attention
