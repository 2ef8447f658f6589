// linear for some tens of narrow rows and weights of f16 on sm_90a, where a block for every tile would leave much of a GPU idle: the blocks of a
// cluster have a tile together, each some of its runs. The sums of all runs lie in shared memory, and every block adds up those of some rows, in
// order. Constants and operands as in wide.cuh.
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

  // Runs that do not exist add zeros.
  INGOT_INLINE void compute(int firstRun, Storage& storage) {
    int warp = threadIdx.x / kWarp, channel = warp / 2 * (2 * kBlockChannels) + warp % 2 * 8 + (int)threadIdx.x % kWarp / 4;
    typename Wide::Pipeline pipeline{{}, 0, Wide::matrixRow(), -1};
#pragma unroll 1
    for (int run = 0; run < kBlockRuns; ++run) {
      int first = (firstRun + run) * Wide::kRunUnits, left = Wide::kUnits - first;
      float sums[kRows / 2] = {};
      if (left > 0)
        Wide::template multiply<Wide::kRunUnits % Wide::kStageUnits == 0>(left < Wide::kRunUnits ? left : Wide::kRunUnits, pipeline, storage.ring,
                                                                          sums);
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) storage.sums[run * kRunSums + rowOf(i) * Finish::kStride + channel + i / 2 % 2 * kBlockChannels] = sums[i];
    }
  }

  // Of a line, every 32nd channel's total stands in the place of the block's first run, which nobody else reads.
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
    // Of rows that fit a tile weights are on their way before the batch has come.
    CudaWideRows rowTiles = {1, 0};
    if ((int)gridDim.x != Wide::kTiles * kCluster) rowTiles = Wide::rowTiles(batch);
    typename Wide::Part part = Wide::partOf(rowTiles, index / kCluster, first, first + kUnits < Wide::kUnits ? first + kUnits : Wide::kUnits);
    int firstRow = part.firstRow, rows = Wide::rowsOf(batch) - firstRow;
    Wide::openRing(batch, storage.ring);
    if (warpOf(threadIdx.x) >= Wide::kConsumers && threadIdx.x % kWarp == 0) {
      typename Wide::Slot slot;
      Feed::copyFirst(operands, part, storage.ring);
      Feed::copy(operands, Wide::rowsOf(batch), part, Feed::firstEnd(part), slot, storage.ring);
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
    syncCluster<kCluster>();  // nobody reads here any more
  }
};

}  // namespace wide_runs
