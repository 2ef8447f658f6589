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

#include "kernels/attention/scalar.cuh"
#include "kernels/attention/tensor.cuh"
#include "kernels/prim/narrow.cuh"
#include "kernels/prim/quantize.cuh"

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
  static constexpr int kRowTiles = attentionRowTiles(kGroupHeads), kTiles = attentionTiles(kHeads, kKvHeads);
  static constexpr int kRowStride = kHeads * kHeadDim, kPartial = partialFloats(kGroupHeads, kHeadDim);
  static constexpr int kColumns = columnsAtOnce(kHeadDim, C::kResultGroup, 16 * fragmentsAtOnce(C::kCache, kHeadDim)), kColumnTiles = kColumns / 8;
  static constexpr int kStride = kColumns + 8;  // of rows in shared memory: neighbouring rows are in other banks
  static_assert(kWarps * kSpanTokens == INGOT_SPLIT_TOKENS, "a split has a span for every warp");
  typedef typename CoreOf<C, PagePlace<C::kCache, kHeadDim>::kFragments>::Type Core;
  typedef Span<C> Spans;
  typedef attention::Sums<kColumnTiles> Sums;
  // Of every warp: 16 rows.
  struct Storage {
    SharedArray<float, kWarps * kAttentionRows * kStride> outputs;
    SharedArray<float, kWarps * kAttentionRows> largest, totals;
    SharedArray<int, 1> isLast;
    typename Core::Rest queries;
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
  INGOT_INLINE void writeRow(Storage& storage, int row, long long token, int head, int column, void* y) {
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
  INGOT_INLINE void runWhole(const IngotBatch& batch, const IngotQueryBlock& block, int tile, void* const* operands, Storage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, head = tile * kWarps + warp;
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
                               Storage& storage) {
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

  // One split of a token, for the query heads of a group.
  INGOT_INLINE void runSplit(const IngotBatch& batch, const IngotSplit& split, int tile, void* const* operands, Storage& storage) {
    const IngotQueryBlock block = batch.blocks[split.block];
    int position = batch.positions[block.first_token], seen = Spans::firstSeen(position);
    int first = seen / INGOT_SPLIT_TOKENS, last = position / INGOT_SPLIT_TOKENS;
    if (tile >= kKvHeads * kRowTiles || split.index < first) return;
    int warp = threadIdx.x / kWarp, kvHead = tile / kRowTiles, firstRow = tile % kRowTiles * kAttentionRows;
    int head = kvHead * kGroupHeads + firstRow, rows = kGroupHeads - firstRow < kAttentionRows ? kGroupHeads - firstRow : kAttentionRows;
    int start = split.index * INGOT_SPLIT_TOKENS + warp * kSpanTokens;
    float* partials = (float*)operands[4] + ((long long)split.partial * kKvHeads * kRowTiles + tile) * kPartial;
    Sight sight{{position, position}, seen, position};
    Core core;
    core.load((const float*)operands[0] + (long long)block.first_token * kRowStride + head * kHeadDim, kHeadDim, rows, storage.queries);
    for (int column = 0; column < kHeadDim; column += kColumns) {
      Sums sums;
      sums.clear();
      if (start <= position && start + kSpanTokens > seen)
        Spans::add(core, start, sight, batch.page_table + (long long)block.sequence * batch.max_pages, kvHead, operands, column / 8, sums);
      keep(sums, rows, warp, storage);
      syncTile<kThreads>();
      foldSpans(rows, column, first == last, partialOf(partials, split.index), storage);
      syncTile<kThreads>();
      if (first == last) writeRows(storage, rows, block.first_token, head, column, operands[3]);
    }
    if (first < last) finish(partials, first, last, rows, block.first_token, head, operands[3], storage);
  }

  // A token's partials follow each other, a split of all tiles after the other; the first one's counter is that of all.
  INGOT_INLINE float* partialOf(float* partials, int split) { return partials + (long long)split * kKvHeads * kRowTiles * kPartial; }

  INGOT_INLINE void keep(const Sums& sums, int rows, int warp, Storage& storage) {
    int lane = threadIdx.x % kWarp;
    for (int r = 0; r < 2; ++r)
      if (lane % 4 == 0 && lane / 4 + 8 * r < rows) {
        int at = warp * kAttentionRows + lane / 4 + 8 * r;
        storage.largest[at] = sums.largest[r];
        storage.totals[at] = sums.total[r];
      }
    forEachPlace([&](int row, int d, int n, int i) {
      if (row < rows) storage.outputs[(warp * kAttentionRows + row) * kStride + d] = sums.output[n][i];
    });
  }

  // The warps' spans in order: finished into the first one's place, or into the partial.
  INGOT_INLINE void foldSpans(int rows, int column, bool isWhole, float* partial, Storage& storage) {
    for (int i = threadIdx.x; i < rows * kColumns; i += kThreads) {
      int row = i / kColumns, d = i % kColumns;
      float largest = -infinity(), total = 0, output = 0;
      for (int warp = 0; warp < kWarps; ++warp) {
        int at = warp * kAttentionRows + row;
        Factors f = factorsOf(largest, storage.largest[at]);
        largest = f.largest;
        total = fold(total, storage.totals[at], f);
        output = fold(output, storage.outputs[at * kStride + d], f);
      }
      if (isWhole) storage.outputs[row * kStride + d] = output / total;  // read by this thread alone
      else {
        float* results = partial + kPartialHeader;
        results[row] = largest;
        results[kAttentionRows + row] = total;
        results[2 * kAttentionRows + row * kHeadDim + column + d] = output;
      }
    }
  }

  INGOT_INLINE void writeRows(Storage& storage, int rows, int token, int head, int column, void* y) {
    for (int row = threadIdx.x / kWarp; row < rows; row += kWarps) writeRow(storage, row, token, head + row, column, y);
    syncTile<kThreads>();
  }

  // The last tile of a token folds the splits in order.
  INGOT_INLINE void finish(float* partials, int first, int last, int rows, int token, int head, void* y, Storage& storage) {
    int* counter = (int*)partials;
    __threadfence();
    syncTile<kThreads>();
    if (threadIdx.x == 0) storage.isLast[0] = atomicAdd(counter, 1) == last - first;
    syncTile<kThreads>();
    if (!storage.isLast[0]) return;
    __threadfence();
    for (int column = 0; column < kHeadDim; column += kColumns) {
      for (int i = threadIdx.x; i < rows * kColumns / 4; i += kThreads)
        foldPartials(partials, first, last, i * 4 / kColumns, column, i * 4 % kColumns, storage);
      syncTile<kThreads>();
      writeRows(storage, rows, token, head, column, y);
    }
    if (threadIdx.x == 0) *counter = 0;
  }

  // Four neighbouring columns of a row. Several splits are on their way at once.
  INGOT_INLINE void foldPartials(float* partials, int first, int last, int row, int column, int d, Storage& storage) {
    constexpr int kAhead = 8;
    float largest = -infinity(), total = 0, output[4] = {};
    for (int split = first; split <= last; split += kAhead) {
      FourFloats outputs[kAhead];
      float most[kAhead], totals[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        const float* results = partialOf(partials, split + i <= last ? split + i : last) + kPartialHeader;
        most[i] = loadFresh(results + row);
        totals[i] = loadFresh(results + kAttentionRows + row);
        outputs[i] = loadFreshFour(results + 2 * kAttentionRows + row * kHeadDim + column + d);
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (split + i > last) continue;
        Factors f = factorsOf(largest, most[i]);
        largest = f.largest;
        total = fold(total, totals[i], f);
        for (int c = 0; c < 4; ++c) output[c] = fold(output[c], outputs[i].at[c], f);
      }
    }
    for (int c = 0; c < 4; ++c) storage.outputs[row * kStride + d + c] = output[c] / total;
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    const IngotSplit split = batch.splits[index / kTiles];
    if (split.index < 0) runWhole(batch, batch.blocks[split.block], index % kTiles, operands, storage);
    else runSplit(batch, split, index % kTiles, operands, storage);
  }
};

}  // namespace attention
