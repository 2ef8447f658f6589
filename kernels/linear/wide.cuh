// linear for many narrow rows and weights of f16, on the tensor cores of sm_90a: tile i is 128 rows times 192 channels. Rows and
// weights stream into shared memory by asynchronous copies and are multiplied straight from there, 64 rows a warpgroup, while the
// stages behind them are on their way. Sums are kept twice, as in gemm.cuh: of the run of units at hand, and of the runs before it.
// That is the order of linear.cuh, product by product, so a row's bits are the same in both. Constants and operands as there.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/linear/linear.spec.h"
#include "kernels/prim/narrow.cuh"

namespace wide {

template <class C>
struct Tile {
  static_assert(C::kFormat == WeightFormat::f16 && C::kNarrow && C::kResultGroup == 0 && C::kK % 16 == 0);
  static constexpr int kThreads = kCudaWideThreads, kRows = kCudaWideRows, kChannels = kCudaWideChannels, kDynamicBytes = kCudaWideBytes;
  static constexpr int kMinBlocks = 1;
  static constexpr int kBlocks = (int)blockCount(C::kN), kTileBlocks = kChannels / kBlockChannels, kTiles = (kBlocks + kTileBlocks - 1) / kTileBlocks;
  static constexpr long long kRowBytes = plainRowBytes<true>(C::kK), kBlockBytes = blockBytes(C::kFormat, C::kK, 1);
  static constexpr int kColumns = (int)(C::kN / C::kSums), kTileColumns = kChannels / (int)C::kSums;
  static constexpr long long kResultStride = paddedColumns(kColumns);

  // A unit is a product along k. Products begin a step at a time: a stage, or half of one where runs of units do not end with stages.
  static constexpr int kUnits = (int)C::kK / 16, kStageUnits = kCudaWideColumns / 16, kStages = (kUnits + kStageUnits - 1) / kStageUnits;
  static constexpr int kRunUnits = cudaRunUnits(kUnits), kStepUnits = kRunUnits % kStageUnits == 0 ? kStageUnits : 2;
  static constexpr int kStageSteps = kStageUnits / kStepUnits, kSteps = (kUnits + kStepUnits - 1) / kStepUnits, kRunSteps = kRunUnits / kStepUnits;
  static_assert(kRunUnits % kStepUnits == 0);

  // Products of the step before may be going on while copies begin: of that stage, the one before it, and those ahead.
  static constexpr int kSlots = kCudaWideSlots, kAhead = kSlots - 2;
  static constexpr int kLineChunks = kCudaWideColumns / 8, kRowChunks = kRows * kLineChunks, kBlockChunks = kBlockChannels * kLineChunks;
  static constexpr int kWeightChunks = kTileBlocks * kBlockChunks;  // of a slot
  struct Storage {
    SharedArray<Words, kSlots * kRowChunks> x;
    SharedArray<Words, kSlots * kWeightChunks> weights;
  };

  INGOT_INLINE int rowsOf(const IngotBatch& batch) { return C::kSelected ? batch.num_rows : batch.num_tokens; }
  INGOT_INLINE int rowTiles(const IngotBatch& batch) { return (rowsOf(batch) + kRows - 1) / kRows; }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch) * kTiles; }

  // Where a thread copies from: a chunk of eight columns of every 32nd row, and one of every second block. What is behind the last
  // row or block is zeros, and is not stored.
  struct Input {
    const char *x, *weights;
    int rows, blocks;  // that are there

    INGOT_MEMBER void copyRows(int stage, int firstColumn, Storage& storage) const {
      constexpr int kEach = kThreads / kLineChunks;
      int row = threadIdx.x / kLineChunks, chunk = threadIdx.x % kLineChunks, slot = stage % kSlots * kRowChunks;
      if (C::kK % kCudaWideColumns != 0 && firstColumn + chunk * 8 >= C::kK) return;
#pragma unroll
      for (int i = 0; i < kRows; i += kEach)
        copyAsync(storage.x, slot + (i + row) * kLineChunks + (chunk ^ row % 8), x + i * kRowBytes + firstColumn * 2, i + row < rows);
    }
    INGOT_MEMBER void copyWeights(int stage, int firstColumn, Storage& storage) const {
      constexpr int kEach = kThreads / kBlockChunks;
      int block = threadIdx.x / kBlockChunks, chunk = threadIdx.x % kBlockChunks, slot = stage % kSlots * kWeightChunks;
      if (C::kK % kCudaWideColumns != 0 && firstColumn + chunk / 2 >= C::kK) return;
#pragma unroll
      for (int i = 0; i < kTileBlocks; i += kEach)
        copyAsync(storage.weights, slot + (i + block) * kBlockChunks + (chunk ^ (chunk >> 3 & 1)), weights + i * kBlockBytes + firstColumn * 32ll,
                  i + block < blocks);
    }
    // Begins to copy a stage; behind the last one there is nothing to copy.
    INGOT_MEMBER void copy(int stage, Storage& storage) const {
      if (stage < kStages) {
        copyRows(stage, stage * kCudaWideColumns, storage);
        copyWeights(stage, stage * kCudaWideColumns, storage);
      }
      closeCopies();
    }
  };

  typedef float Sums[kChannels / 2];

  // Begins the products of a step; `isFirst`: of a run.
  template <int Units>
  INGOT_INLINE void multiply(int step, bool isFirst, Storage& storage, Sums& sums) {
    int slot = step / kStageSteps % kSlots, first = step % kStageSteps * kStepUnits, rows = threadIdx.x / kWarpgroup * 64;
    beginProducts();
#pragma unroll
    for (int i = 0; i < Units; ++i)
      multiplyWide<kChannels>(sums, storage.x, slot * kRowChunks + rows * kLineChunks, storage.weights, slot * kWeightChunks, first + i,
                              i > 0 || !isFirst);
    closeProducts();
  }
  INGOT_INLINE void multiplyStep(int step, bool isFirst, Storage& storage, Sums& sums) {
    if constexpr (kUnits % kStepUnits != 0)
      if (step == kSteps - 1) return multiply<kUnits % kStepUnits>(step, isFirst, storage, sums);
    multiply<kStepUnits>(step, isFirst, storage, sums);
  }

  // One barrier a stage: behind it everybody's copies of the stage have arrived, and everybody has left the stage whose place is filled next.
  INGOT_INLINE void compute(const Input& input, Storage& storage, Sums& totals) {
    for (int stage = 0; stage < kAhead; ++stage) input.copy(stage, storage);
    Sums sums = {};
#pragma unroll 1
    for (int first = 0; first < kSteps; first += kRunSteps) {
      int last = first + kRunSteps < kSteps ? first + kRunSteps : kSteps;
#pragma unroll 1
      for (int step = first; step < last; ++step) {
        bool begins = step % kStageSteps == 0;
        if (begins) {
          waitForCopies<kAhead - 1>();
          showTensorCores();
          __syncthreads();
        }
        multiplyStep(step, step == first, storage, sums);
        waitForProducts<1>();
        if (begins) input.copy(step / kStageSteps + kAhead, storage);
      }
      waitForProducts<0>(sums);
#pragma unroll
      for (int i = 0; i < kChannels / 2; ++i) totals[i] += sums[i];
    }
    waitForCopies<0>();
  }

  INGOT_INLINE float resultOf(const Sums& totals, int at, long long row, int column, void* const* operands) {
    float sums[C::kSums];
    for (int j = 0; j < C::kSums; ++j) sums[j] = totals[at + j * 8];  // two groups of eight channels further on is the other block
    return C::Epilogue::apply(sums, Place{operands + 2, row, column, kResultStride});
  }

  // A thread has two neighbouring channels of every eight, of two rows.
  INGOT_INLINE void finish(const Sums& totals, int tile, long long firstRow, int rows, void* const* operands) {
    int lane = threadIdx.x % kWarp, row = threadIdx.x / kWarp * 16 + lane / 4;
#pragma unroll
    for (int i = 0; i < kChannels / 8; ++i) {
      if (C::kSums == 2 && i % 4 >= 2) continue;
      int column = tile * kTileColumns + (C::kSums == 2 ? i / 4 * 16 + i % 4 * 8 : i * 8) + lane % 4 * 2;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        if (row + half * 8 >= rows || column >= kColumns) continue;
        long long at = firstRow + row + half * 8;
        float first = resultOf(totals, i * 4 + half * 2, at, column, operands);
        if (column + 1 < kColumns) {
          float second = resultOf(totals, i * 4 + half * 2 + 1, at, column + 1, operands);
          storePair<C::kNarrowResult>(operands[2 + C::kExtras], at * kResultStride + column, first, second);
        } else {
          storeElement<C::kNarrowResult>(operands[2 + C::kExtras], at * kResultStride + column, first);
        }
      }
    }
  }

  // Tiles of so many rows of tiles that are computed at once share channels, and neighbouring channels share those rows.
  INGOT_INLINE void placeOf(const IngotBatch& batch, int index, int& rowTile, int& tile) {
    int first = index / (kCudaWideTall * kTiles) * kCudaWideTall, tall = rowTiles(batch) - first, left = index - first * kTiles;
    if (tall > kCudaWideTall) tall = kCudaWideTall;
    rowTile = first + left % tall;
    tile = left / tall;
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    int rowTile, tile;
    placeOf(batch, index, rowTile, tile);
    int firstRow = rowTile * kRows, rows = rowsOf(batch) - firstRow, thread = threadIdx.x;
    const char* x = (const char*)operands[0] + (firstRow + thread / kLineChunks) * kRowBytes + thread % kLineChunks * 16;
    int block = tile * kTileBlocks;
    const char* weights = (const char*)operands[1] + (block + thread / kBlockChunks) * kBlockBytes + thread % kBlockChunks * 16;
    Sums totals = {};
    compute(Input{x, weights, rows, kBlocks - block}, storage, totals);
    finish(totals, tile, firstRow, rows, operands);
  }
};

}  // namespace wide
