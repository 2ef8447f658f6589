// Work distribution of the kernels in which a warp iterates over all spans of its sequence (unsplit.cuh, prompt.cuh). A warp has one query head
// and, as its rows, the tokens of one query block. The warps of a tile share a KV head: they take the query heads of its group, and if these are
// fewer than the warps, several consecutive query blocks.
#pragma once

#include "kernels/attention/result.cuh"
#include "kernels/attention/span.cuh"

namespace attention {

// Whether prompts in large batches have a kernel of their own.
template <class C>
constexpr bool kLeavesPrompts = kHasWarpgroups && hasCudaPrompt(C::kCache == CacheType::f16 || C::kCache == CacheType::bf16, C::kHeadDim);

// split.cuh waits for keys, then for values: three blocks per multiprocessor keep memory busier than two. That leaves registers for 64 output
// columns at a time (scores are computed again for each 64), but not for a window, soft cap, ALiBi or wide result groups besides.
template <class C>
constexpr bool kIsPlain = C::kWindow == 0 && C::kSoftcap == 0 && !C::kAlibi && C::kResultGroup <= 64;
// Nor for quantised results of many query heads per KV head.
template <class C>
constexpr bool kHasFewResults = C::kResultGroup == 0 || C::kHeads / C::kKvHeads <= 4;
template <class C>
constexpr bool kHasThreeBlocks = C::kHeadDim <= 64 || (kLeavesPrompts<C> && kIsPlain<C> && kHasFewResults<C>);

// Columns of the result that are computed at a time: all of them up to `most`. Neither a group of a quantised result nor a load is cut.
constexpr int columnsAtOnce(int headDim, int most, int group, int loaded) {
  int columns = headDim <= most ? headDim : 64, unit = group > loaded ? group : loaded;
  while (headDim % columns != 0 || columns % unit != 0) --columns;
  return columns;
}

// KV tokens [first, last] that some row of a tile sees.
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
  // In units of four floats of shared memory: stride of finished rows, sums of the previous splits, and the space per warp, used for either.
  static constexpr int kStride = kColumns / 4 + 1, kSums = (kColumnTiles + 1) * kWarp;
  static constexpr int kWarpFours = kAttentionRows * kStride > kSums ? kAttentionRows* kStride : kSums;
  typedef attention::Sums<kColumnTiles> Sums;
  typedef SharedArray<FourFloats, Warps * kWarpFours> Shared;
  // A warp's work. `row`: of its first token and head in [tokens * heads]; `column`: first column of the head. Its tokens are the positions of
  // `range`, which is empty if the warp has no work.
  struct Work {
    int row, column;
    QueryRange range;

    INGOT_MEMBER int tokens() const { return range.last - range.lowest + 1; }
    INGOT_MEMBER bool sees(int start) const { return start <= range.last && start + kSpanTokens > Span<C>::firstSeen(range.lowest); }
  };

  // Up to kBlocks consecutive query blocks, starting at a multiple of kBlocks, are joined in one tile if they have several tokens each and are of
  // one sequence.
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
  // Work of the calling warp in a tile of `blocks` query blocks from `index` on.
  INGOT_INLINE Work workOf(const IngotBatch& batch, int index, int blocks, int tile) {
    int warp = threadIdx.x / kWarp;
    opaque(warp);  // a caller that calls twice wants nothing kept live in between
    int head = tile % kParts * kPartHeads + warp % kPartHeads, firstHead = kvHeadOf(tile) * kGroupHeads;
    bool works = warp / kPartHeads < blocks && head < kGroupHeads;
    const IngotQueryBlock block = batch.blocks[index + (works ? warp / kPartHeads : 0)];
    int position = batch.positions[block.first_token], row = block.first_token * kHeads + firstHead + (works ? head : 0);
    if (!works) return {row, 0, {0, -1, 0}};
    return {row, 0, {position, position + block.num_tokens - 1, Span<C>::slopeOf(firstHead + head)}};
  }

  // The lane's sums over the previous splits, in shared memory: one vector per column tile, then the running maxima and sums of both rows.
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
  // Does nothing for a split of which the warp sees no token.
  INGOT_INLINE void foldSplit(const Sums& sums, int split, const QueryRange& range, Shared& rows) {
    int firstSeen = Span<C>::firstSeen(range.lowest);
    bool isSeen = split * INGOT_SPLIT_TOKENS <= range.last && (split + 1) * INGOT_SPLIT_TOKENS > firstSeen;
    if (isSeen) foldIn(sums, split > firstSeen / INGOT_SPLIT_TOKENS, rows);
  }

  // Divides by the softmax sum and stores the rows. Neighbouring lanes exchange halves so that each holds four columns of one row; a transposition
  // through shared memory then makes stores contiguous.
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
