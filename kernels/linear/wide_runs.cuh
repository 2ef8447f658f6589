// linear for some tens of narrow rows with f16 weights on sm_90a, where one block per tile would leave much of a GPU idle: split-k over a cluster.
// Each block of a cluster computes some runs of the same tile; the sums of all runs are exchanged through distributed shared memory, and each
// block adds up some rows, in run order. Constants and operands as in wide.cuh.
#pragma once

#include "kernels/linear/finish.cuh"
#include "kernels/linear/wide.cuh"

namespace wide_runs {

template <class C>
struct Tile {
  typedef wide::Tile<C> Wide;
  typedef wide::Feed<Wide> Feed;
  typedef linear::Finish<C, Wide::kChannels> Finish;
  static constexpr CudaWide kShape = Wide::kShape;
  static constexpr int kThreads = Wide::kThreads, kCluster = kShape.along, kMinBlocks = 1, kDynamicBytes = kShape.bytes();
  static constexpr bool kAwaits = true;
  static constexpr int kRows = Wide::kRows, kBlockRows = kRows / kCluster, kBlockRuns = kCudaRuns / kCluster, kRunSums = kRows * Finish::kStride;
  static constexpr int kWarps = kThreads / kWarp, kLines = kBlockRows / kWarps, kEach = Wide::kChannels / kWarp;
  static_assert(Finish::kStride == cudaWideStride(Wide::kChannels) && kBlockRows % kWarps == 0);
  struct Storage {
    typename Wide::Storage ring;
    SharedArray<float, kBlockRuns * kRunSums> sums;
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return Wide::count(batch) * kCluster; }

  INGOT_INLINE int rowOf(int i) { return Wide::TileResults::ownRow() + Wide::TileResults::rowOf(i / 4 * 2 + i % 2); }

  // Runs past the last one are zeros.
  INGOT_INLINE void compute(int firstRun, Storage& storage) {
    int warp = threadIdx.x / kWarp, channel = warp / 2 * (2 * kBlockChannels) + warp % 2 * 8 + (int)threadIdx.x % kWarp / 4;
    typename Wide::Pipeline pipeline{{}, 0, Wide::matrixRow()};
#pragma unroll 1
    for (int run = 0; run < kBlockRuns; ++run) {
      int first = (firstRun + run) * Wide::kRunUnits, left = Wide::kUnits - first;
      float sums[kRows / 2] = {};
      if (left > 0)
        Wide::template multiply<Wide::kRunUnits % Wide::kStageUnits == 0>(left < Wide::kRunUnits ? left : Wide::kRunUnits, run == 0, pipeline,
                                                                          storage.ring, sums);
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) storage.sums[run * kRunSums + rowOf(i) * Finish::kStride + channel + i / 2 % 2 * kBlockChannels] = sums[i];
    }
  }

  // Reduces every 32nd channel of a line over all runs, into the block's own sums of its first run, which no other block reads for this line.
  INGOT_INLINE void addUp(int line, Storage& storage) {
    int first = line * Finish::kStride + (int)threadIdx.x % kWarp;
    float parts[kEach][kCudaRuns];
#pragma unroll
    for (int i = 0; i < kEach * kCudaRuns; ++i) {
      int run = i % kCudaRuns;
      parts[i / kCudaRuns][run] = loadFrom<kCluster>(storage.sums, run % kBlockRuns * kRunSums + first + i / kCudaRuns * kWarp, run / kBlockRuns);
    }
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      float total = 0;
      for (int run = 0; run < kCudaRuns; ++run) total += parts[i][run];
      storage.sums[first + i * kWarp] = total;
    }
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    constexpr int kUnits = kBlockRuns * Wide::kRunUnits;
    int rank = index % kCluster, first = rank * kUnits;
    // With a single row tile, weights are copied before the batch is known.
    CudaWideRows rowTiles = {1, 0};
    if ((int)gridDim.x != Wide::kTiles * kCluster) rowTiles = Wide::rowTiles(batch);
    typename Wide::Part part = Wide::partOf(rowTiles, index / kCluster, first, first + kUnits < Wide::kUnits ? first + kUnits : Wide::kUnits);
    int firstRow = part.firstRow, rows = linear::rowsOf<C>(batch) - firstRow;
    Wide::openRing(batch, storage.ring);
    if (warpOf(threadIdx.x) >= Wide::kConsumers && threadIdx.x % kWarp == 0) {
      typename Wide::Slot slot;
      Feed::copyFirst(operands, part, storage.ring);
      Feed::copy(operands, linear::rowsOf<C>(batch), part, Feed::firstEnd(part), slot, storage.ring);
    }
    __syncwarp();
    awaitLaunches();
    if (warpOf(threadIdx.x) < Wide::kConsumers) compute(rank * kBlockRuns, storage);
    syncCluster<kCluster>();
    int line = rank * kBlockRows + warpOf(threadIdx.x);
#pragma unroll
    for (int i = 0; i < kLines; ++i) addUp(line + i * kWarps, storage);
    __syncwarp();
    Finish::template run<kLines>(storage.sums, line, kWarps, part.tile, firstRow, rows < kRows ? rows : kRows, operands);
    syncCluster<kCluster>();  // other blocks may still be reading this block's sums
  }
};

}  // namespace wide_runs
