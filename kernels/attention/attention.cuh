// Causal attention over paged keys and values (Dao et al. 2022), split over blocks (Dao et al. 2023, flash decoding). A sequence is
// cut at fixed places into spans of 64 tokens, a warp each, and splits of 256, a block each: the softmax of a span is folded into
// its split, in order, and that of a split into the row's. So a row's bits depend on its own sequence alone, and on neither who
// computed which part nor the rows beside it.
//   A token alone: a tile is one split and one KV head; the rows are the query heads that share it. The last tile of a token to
//   finish folds the splits. A token that sees one split has its result at once.
//   Several tokens, or a token whose splits found no place among the partials: a tile is four query heads, a warp each; the rows are
//   the tokens, and each warp takes all spans one after the other.
// Operands and constants as in attention.cpu.h, and behind y the partials, which are zeros between launches.
#pragma once

#include "kernels/attention/split.cuh"

namespace attention {

// Columns of the result at once: all that registers hold. Groups of a quantised result, and what a load brings, stay whole.
constexpr int columnsAtOnce(int headDim, int group, int loaded) {
  int columns = headDim <= 128 ? headDim : 64, unit = group > loaded ? group : loaded;
  while (headDim % columns != 0 || columns % unit != 0) --columns;
  return columns;
}

template <class C, bool Tensor>
struct CoreOf {
  typedef ScalarCore<C> Type;
};
template <class C>
struct CoreOf<C, true> {
  typedef TensorCore<C> Type;
};

template <class C>
struct Tile {
  static constexpr int kThreads = kCudaAttentionThreads, kWarps = kThreads / kWarp, kMinBlocks = 1;
  static constexpr int kHeads = C::kHeads, kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kGroupHeads = kHeads / kKvHeads;
  static constexpr int kTiles = attentionTiles(kHeads, kKvHeads), kRowStride = kHeads * kHeadDim;
  static constexpr bool kAwaits = true;
  static constexpr int kColumns = columnsAtOnce(kHeadDim, C::kResultGroup, 16 * fragmentsAtOnce(C::kCache, kHeadDim)), kColumnTiles = kColumns / 8;
  static constexpr int kStride = kColumns + 8;  // of rows in shared memory: neighbouring rows are in other banks
  typedef typename CoreOf<C, PagePlace<C::kCache, kHeadDim>::kFragments>::Type Core;
  typedef Span<C> Spans;
  typedef attention::Sums<kColumnTiles> Sums;
  // Of every warp: 16 rows.
  struct WholeStorage {
    SharedArray<float, kWarps * kAttentionRows * kStride> outputs;
    typename Core::Rest queries;
  };
  INGOT_EITHER Storage {
    WholeStorage whole;
    typename SplitTile<C>::Storage split;
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_splits * kTiles; }

  // Calls visit(row, column, n, i) for the lane's places: element i of column tile n.
  template <class Visit>
  INGOT_INLINE void forEachPlace(const Visit& visit) {
    int lane = threadIdx.x % kWarp;
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n)
#pragma unroll
      for (int i = 0; i < 4; ++i) visit(lane / 4 + i / 2 * 8, n * 8 + lane % 4 * 2 + i % 2, n, i);
  }

  // Row `row` of the warp's sixteen, finished: columns [column, column + kColumns) of a head of a token.
  INGOT_INLINE void writeRow(WholeStorage& storage, int row, long long token, int head, int column, void* y) {
    int first = head * kHeadDim + column;
    auto valueAt = [&](int i) -> float { return storage.outputs[row * kStride + i]; };
    if constexpr (C::kResultGroup == 0) {
      for (int d = threadIdx.x % kWarp; d < kColumns; d += kWarp) storeElement<C::kNarrowResult>(y, token * kRowStride + first + d, valueAt(d));
    } else {
      constexpr int kGroup = C::kResultGroup ? C::kResultGroup : kColumns;
      char* out = (char*)y + token * quantizedRowBytes(kRowStride, kGroup);
      for (int g = 0; g < kColumns / kGroup; ++g)
        quantizeGroup<kGroup, kRowStride>([&](int i) -> float { return valueAt(g * kGroup + i); }, out, first / kGroup + g);
    }
  }

  // Several tokens of a sequence, one query head a warp.
  INGOT_INLINE void runWhole(const IngotBatch& batch, const IngotQueryBlock& block, int tile, void* const* operands, WholeStorage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, head = tile * kWarps + warp;
    awaitLaunches();
    if (head >= kHeads) return;
    int position = batch.positions[block.first_token], most = block.num_tokens - 1;
    auto positionOf = [&](int row) { return position + (row < most ? row : most); };
    Sight sight{{positionOf(lane / 4), positionOf(lane / 4 + 8)}, Spans::firstSeen(position), position + most};
    const ingot_i32* pages = batch.page_table + (long long)block.sequence * batch.max_pages;
    Core core;
    core.load((const float*)operands[0] + (long long)block.first_token * kRowStride + head * kHeadDim, kRowStride, block.num_tokens, storage.queries);
    for (int column = 0; column < kHeadDim; column += kColumns) {
      foldSplits(core, sight, pages, head / kGroupHeads, operands, column, warp, storage);
      for (int row = 0; row <= most; ++row) writeRow(storage, warp * kAttentionRows + row, block.first_token + row, head, column, operands[3]);
      __syncwarp();
    }
  }

  // All splits in sight, in order; the finished rows lie in the warp's part of shared memory.
  INGOT_INLINE void foldSplits(const Core& core, const Sight& sight, const ingot_i32* pages, int kvHead, void* const* operands, int column, int warp,
                               WholeStorage& storage) {
    auto outputAt = [&](int row, int d) { return (warp * kAttentionRows + row) * kStride + d; };
    float largest[2] = {-infinity(), -infinity()}, total[2] = {0, 0};
    int first = sight.first / INGOT_SPLIT_TOKENS, last = sight.last / INGOT_SPLIT_TOKENS;
    for (int split = first; split <= last; ++split) {
      Sums sums;
      sums.clear();
      for (int start = split * INGOT_SPLIT_TOKENS; start < (split + 1) * INGOT_SPLIT_TOKENS; start += kSpanTokens) {
        if (start > sight.last || start + kSpanTokens <= sight.first) continue;
        Spans::add(core, start, sight, pages, kvHead, operands, column / 8, sums);
      }
      Factors f[2];
      for (int r = 0; r < 2; ++r) {
        f[r] = factorsOf(largest[r], sums.largest[r]);
        largest[r] = f[r].largest;
        total[r] = fold(total[r], sums.total[r], f[r]);
      }
      forEachPlace([&](int row, int d, int n, int i) {
        float before = split == first ? 0.0f : (float)storage.outputs[outputAt(row, d)];
        float value = fold(before, sums.output[n][i], f[i / 2]);
        storage.outputs[outputAt(row, d)] = split == last ? value / total[i / 2] : value;
      });
    }
    __syncwarp();
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    const IngotSplit split = batch.splits[index / kTiles];
    if (split.index < 0) runWhole(batch, batch.blocks[split.block], index % kTiles, operands, storage.whole);
    else SplitTile<C>::run(batch, split, index % kTiles, operands, storage.split);
  }
};

}  // namespace attention
