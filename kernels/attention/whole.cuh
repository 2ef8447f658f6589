// Several tokens of a sequence, or one whose splits found no place among the partials: a warp has the tokens of a query block, as rows, and
// one query head; it takes all spans one after the other. The warps of a tile share a KV head: they have query heads of its group, and
// where that has fewer than warps, of query blocks that follow each other.
#pragma once

#include "kernels/attention/result.cuh"
#include "kernels/attention/ring.cuh"
#include "kernels/attention/scalar.cuh"

namespace attention {

// Columns of the result at once: all that registers hold. Groups of a quantised result, and what a load brings, stay whole.
constexpr int columnsAtOnce(int headDim, int group, int loaded) {
  int columns = headDim <= 128 ? headDim : 64, unit = group > loaded ? group : loaded;
  while (headDim % columns != 0 || columns % unit != 0) --columns;
  return columns;
}

// Products of a span by tensor cores, from what the tile's warps bring to shared memory together.
template <class C, int ColumnTiles>
struct SharedSpan {
  typedef TensorCore<C> Core;
  typedef attention::Ring<C, ColumnTiles> Ring;
  typedef attention::Sums<ColumnTiles> Sums;
  struct Storage {
    typename Ring::Shared words;
    typename Core::Rest queries;
  };

  // Folds in the span that begins with token `start`, if the warp sees any of it.
  INGOT_INLINE void add(const Core& core, Ring& ring, bool sees, int start, const Sight& sight, const ingot_i32* pages, int kvHead,
                        void* const* operands, Sums& sums) {
    if (!sees) {
#pragma unroll 1
      for (int stage = 0; stage < Ring::kStages; ++stage) ring.next(stage, start);
      return;
    }
    PageScores scores[kSpanPages];
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) scores[i / 8][i / 4 % 2][i % 4] = 0;
#pragma unroll
    for (int stage = 0; stage < Ring::kKeyStages; ++stage) {
      int at = ring.next(stage, start);
#pragma unroll
      for (int k = 0; k < Ring::kEach; ++k)
#pragma unroll
        for (int p = 0; p < kSpanPages; ++p)
          core.scorePiece(ring.words, at + p * Ring::kWords + k * Ring::kPieceWords, (stage * Ring::kEach + k) * Core::kAtOnce, scores[p]);
    }
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) scores[i / 8][i / 4 % 2][i % 4] *= Core::kWidened;
    Factors factors[2];
    Span<C>::template soften<typename Core::Type>(scores, start, sight, pages, kvHead, operands, sums, factors);
    typename Core::Weights weights[kSpanPages];
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) weights[p] = Core::weightsOf(scores[p]);
#pragma unroll
    for (int stage = Ring::kKeyStages; stage < Ring::kStages; ++stage) {
      int at = ring.next(stage, start);
      float output[Ring::kTiles][4] = {};
      if (start + kSpanTokens - 1 > sight.last) addStage<true>(weights, ring, at, sight.last - start, output);
      else addStage<false>(weights, ring, at, 0, output);
#pragma unroll
      for (int i = 0; i < 4 * Ring::kTiles; ++i) {
        float& sum = sums.output[(stage - Ring::kKeyStages) * Ring::kTiles + i / 4][i % 4];
        sum = fold(sum, output[i / 4][i % 4], factors[i % 4 / 2]);
        settle(sum);
      }
    }
  }

  // Adds the values of a stage. Some tokens of the span are behind the `last` one, if any.
  template <bool SomeBehind>
  INGOT_INLINE void addStage(const typename Core::Weights (&weights)[kSpanPages], Ring& ring, int at, int last, float (&output)[Ring::kTiles][4]) {
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
#pragma unroll
      for (int k = 0; k < Ring::kEach; ++k)
        Core::template addPiece<SomeBehind>(weights[p], ring.words, at + p * Ring::kWords + k * Ring::kPieceWords, last - p * kPageTokens,
                                            output + 2 * Core::kAtOnce * k);
  }
};

// Products one by one, from where keys and values are.
template <class C, int ColumnTiles>
struct PlainSpan {
  typedef ScalarCore<C> Core;
  typedef attention::Sums<ColumnTiles> Sums;
  struct Storage {
    int words;
    typename Core::Rest queries;
  };
  struct Ring {
    int firstTile;
    INGOT_MEMBER Ring(int, const ingot_i32*, int, void* const*, int, int, int firstTile) : firstTile(firstTile) {}
  };

  INGOT_INLINE void add(const Core& core, Ring& ring, bool sees, int start, const Sight& sight, const ingot_i32* pages, int kvHead,
                        void* const* operands, Sums& sums) {
    typedef typename Core::Type Type;
    if (!sees) return;
    PageScores scores[kSpanPages];
    long long offsets[kSpanPages];
    bool seen[kSpanPages];
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      seen[p] = Span<C>::isSeen(start, p, sight);
      offsets[p] = seen[p] ? Span<C>::offsetOf(pages, start + p * kPageTokens, kvHead) : 0;
    }
    core.score((const Type*)operands[1], offsets, seen, scores);
    Factors factors[2];
    Span<C>::template soften<Type>(scores, start, sight, pages, kvHead, operands, sums, factors);
    float output[ColumnTiles][4] = {};
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      if (seen[p])
        core.addValues(Core::weightsOf(scores[p]), (const Type*)operands[2] + offsets[p], sight.last - start - p * kPageTokens, ring.firstTile,
                       output);
#pragma unroll
    for (int i = 0; i < 4 * ColumnTiles; ++i) sums.output[i / 4][i % 4] = fold(sums.output[i / 4][i % 4], output[i / 4][i % 4], factors[i % 4 / 2]);
  }
};

template <class C, int ColumnTiles, bool Tensor>
struct SpanOf {
  typedef PlainSpan<C, ColumnTiles> Type;
};
template <class C, int ColumnTiles>
struct SpanOf<C, ColumnTiles, true> {
  typedef SharedSpan<C, ColumnTiles> Type;
};

template <class C>
struct WholeTile {
  static constexpr int kThreads = kCudaAttentionThreads, kWarps = kThreads / kWarp;
  static constexpr int kHeads = C::kHeads, kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kGroupHeads = kHeads / kKvHeads;
  static constexpr int kParts = attentionGroupParts(kGroupHeads), kPartHeads = (kGroupHeads + kParts - 1) / kParts, kBlocks = kWarps / kPartHeads;
  static constexpr int kColumns = columnsAtOnce(kHeadDim, C::kResultGroup, 16 * fragmentsAtOnce(C::kCache, kHeadDim)), kColumnTiles = kColumns / 8;
  // In fours, in shared memory: from one finished row to the next, and what a warp has for them, or for its sums of the splits before.
  static constexpr int kStride = kColumns / 4 + 1, kSums = (kColumnTiles + 1) * kWarp;
  static constexpr int kWarpFours = kAttentionRows * kStride > kSums ? kAttentionRows* kStride : kSums;
  typedef typename SpanOf<C, kColumnTiles, PagePlace<C::kCache, kHeadDim>::kFragments>::Type WholeSpan;
  typedef typename WholeSpan::Core Core;
  typedef typename WholeSpan::Ring Ring;
  typedef attention::Sums<kColumnTiles> Sums;
  struct Storage {
    SharedArray<FourFloats, kWarps * kWarpFours> rows;
    typename WholeSpan::Storage span;
  };
  // Of a warp: its head's row of the first of its tokens, counted in rows of heads, and the first of the columns. Its tokens are those that
  // its sight ends with; it sees nothing where it has no work.
  struct Work {
    int row, column;
    Sight sight;
  };

  INGOT_INLINE void run(const IngotBatch& batch, int index, int tile, void* const* operands, Storage& storage) {
    int kvHead = tile / kParts, warp = threadIdx.x / kWarp, head = tile % kParts * kPartHeads + warp % kPartHeads;
    int before = blocksBefore(batch, index), blocks = before ? 0 : blocksFrom(batch, index);
    if (kvHead >= kKvHeads || blocks == 0) return awaitLaunches();
    bool works = warp / kPartHeads < blocks && head < kGroupHeads;
    const IngotQueryBlock block = batch.blocks[index + (works ? warp / kPartHeads : 0)], final = batch.blocks[index + blocks - 1];
    int position = batch.positions[block.first_token], row = block.first_token * kHeads + kvHead * kGroupHeads + (works ? head : 0);
    Work work{row, 0, works ? Sight{position, position + block.num_tokens - 1, Span<C>::slopeOf(kvHead * kGroupHeads + head)} : Sight{0, -1, 0}};
    int first = Span<C>::firstSeen(batch.positions[batch.blocks[index].first_token]),
        last = batch.positions[final.first_token] + final.num_tokens - 1;
    const ingot_i32* pages = batch.page_table + (long long)block.sequence * batch.max_pages;
    awaitLaunches();
    Core core;
    core.load((const float*)operands[0] + (long long)row * kHeadDim, kHeads * kHeadDim, block.num_tokens, storage.span.queries);
    for (; work.column < kHeadDim; work.column += kColumns) {
      Ring ring(storage.span.words, pages, kvHead, operands, first, last, work.column / 8);
      foldSpans(core, ring, work, first, last, pages, kvHead, operands, storage);
      if (work.sight.last >= 0) finish(work, operands[3], storage);
      syncTile<kThreads>();
    }
  }

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

  // All spans in sight of the tile, in order.
  INGOT_INLINE void foldSpans(const Core& core, Ring& ring, const Work& work, int first, int last, const ingot_i32* pages, int kvHead,
                              void* const* operands, Storage& storage) {
    const Sight& sight = work.sight;
    int firstSeen = Span<C>::firstSeen(sight.lowest);
    for (int split = first / INGOT_SPLIT_TOKENS; split <= last / INGOT_SPLIT_TOKENS; ++split) {
      Sums sums;
      sums.clear();
      for (int start = split * INGOT_SPLIT_TOKENS; start < (split + 1) * INGOT_SPLIT_TOKENS; start += kSpanTokens) {
        if (start > last || start + kSpanTokens <= first) continue;
        WholeSpan::add(core, ring, start <= sight.last && start + kSpanTokens > firstSeen, start, sight, pages, kvHead, operands, sums);
      }
      bool isSeen = split * INGOT_SPLIT_TOKENS <= sight.last && (split + 1) * INGOT_SPLIT_TOKENS > firstSeen;
      if (isSeen) foldIn(sums, split > firstSeen / INGOT_SPLIT_TOKENS, storage);
    }
  }

  // The lane's sums of the splits before lie in shared memory: every column tile's, then the largest scores and the totals.
  INGOT_INLINE int placeOfSums() { return (int)threadIdx.x / kWarp * kWarpFours + (int)threadIdx.x % kWarp; }
  INGOT_INLINE void foldIn(const Sums& sums, bool hasBefore, Storage& storage) {
    int first = placeOfSums();
    FourFloats state{{-infinity(), -infinity(), 0, 0}};
    if (hasBefore) state = storage.rows[first + kColumnTiles * kWarp];
    Factors f[2];
    for (int r = 0; r < 2; ++r) {
      f[r] = factorsOf(state.at[r], sums.largest[r]);
      state.at[r] = f[r].largest;
      state.at[2 + r] = fold(state.at[2 + r], sums.total[r], f[r]);
    }
    storage.rows[first + kColumnTiles * kWarp] = state;
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
      FourFloats sum{};
      if (hasBefore) sum = storage.rows[first + n * kWarp];
      for (int i = 0; i < 4; ++i) sum.at[i] = fold(sum.at[i], sums.output[n][i], f[i / 2]);
      storage.rows[first + n * kWarp] = sum;
    }
  }

  // Lanes side by side exchange halves, so that each has four columns of one row; rows go to their places by way of shared memory.
  INGOT_INLINE void finish(const Work& work, void* y, Storage& storage) {
    int first = threadIdx.x / kWarp * kWarpFours, lane = threadIdx.x % kWarp;
    bool odd = lane % 2;
    FourFloats state = storage.rows[placeOfSums() + kColumnTiles * kWarp], fours[kColumnTiles];
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
      FourFloats sum = storage.rows[placeOfSums() + n * kWarp];
      for (int i = 0; i < 2; ++i) {
        float above = sum.at[i] / state.at[2], below = sum.at[2 + i] / state.at[3];
        float other = __shfl_xor_sync(kFullWarp, odd ? above : below, 1);
        fours[n].at[i] = odd ? other : above;
        fours[n].at[2 + i] = odd ? below : other;
      }
    }
    __syncwarp();
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) storage.rows[first + (lane / 4 + odd * 8) * kStride + n * 2 + lane % 4 / 2] = fours[n];
    __syncwarp();
    int tokens = work.sight.last - work.sight.lowest + 1;
    for (int i = lane; i - lane < tokens * (kColumns / 4); i += kWarp) {
      int row = i / (kColumns / 4), column = i % (kColumns / 4);
      bool isRow = row < tokens;
      FourFloats four{};
      if (isRow) four = storage.rows[first + row * kStride + column];
      storeResult<C>(y, work.row / kHeads + row, isRow ? work.row % kHeads * kHeadDim + work.column + column * 4 : kHeads * kHeadDim, four);
    }
    __syncwarp();
  }
};

}  // namespace attention
