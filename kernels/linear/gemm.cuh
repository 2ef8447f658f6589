// linear for many rows with mma.sync: a tile is 64 or 128 rows by 128 channels. Weights are copied to shared memory with cp.async, kAhead stages
// ahead; rows of x pass through registers, where f32 is converted to the weights' type, one stage ahead. A warp computes 32 rows by 32 or 64
// channels and has two sets of accumulators: of the current run of units, and of the previous runs. That is the summation order of linear.cuh, so
// the bits of a row are the same in both. Constants and operands as there.
#pragma once

#include "kernels/linear/finish.cuh"
#include "kernels/linear/stage.cuh"

namespace gemm {

template <class C>
struct Tile {
  typedef typename linear::StageOf<C, isQuantized(C::kFormat)>::Type Stage;
  static constexpr bool kAwaits = true;
  static constexpr int kThreads = kCudaLinearThreads, kWarps = kThreads / kWarp, kChannels = kCudaGemmChannels, kRows = cudaGemmRows(C::kFormat);
  static constexpr int kMinBlocks = 1;
  static constexpr int kBlocks = (int)blockCount(C::kN), kTileBlocks = kChannels / kBlockChannels, kTiles = (kBlocks + kTileBlocks - 1) / kTileBlocks;
  static constexpr int kProducts = Stage::kProducts, kGroups = 4, kWarpRows = kGroups * 8;
  static constexpr int kAcross = kTileBlocks / Stage::kBlocks, kDown = kWarps / kAcross;
  static_assert(kDown * kWarpRows == kRows);
  static constexpr int kStages = (int)C::kK / Stage::kColumns;
  static constexpr int kUnitColumns = Stage::kColumns / Stage::kUnits, kRunStages = cudaRunUnits(C::kK / kUnitColumns) / Stage::kUnits;
  static constexpr int kAhead = 2, kSlots = kAhead + 1;  // of weights
  typedef linear::Finish<C, kChannels> Finish;

  INGOT_SHARED_UNION SharedUnion {
    SharedArray<Words, kSlots * kTileBlocks * Stage::kChunks> weights;
    SharedArray<float, kWarpRows * Finish::kStride> sums;  // of kWarpRows rows at a time, after the last product
  };
  struct Storage {
    SharedUnion shared;
    SharedArray<Words, 2 * kRows * 4> x;
    SharedArray<linear::RowGroup, Stage::kRowGroups ? 2 * Stage::kRowGroups * kRows : 1> rowGroups;
  };

  INGOT_INLINE int rowTiles(const IngotBatch& batch) { return (linear::rowsOf<C>(batch) + kRows - 1) / kRows; }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch) * kTiles; }

  // A thread's share of x, loaded for the next stage. Rows past the last repeat it, like channel blocks past the last, and are not stored.
  static constexpr int kItems = kRows * 4 / kThreads;
  struct Input {
    const char *from[kItems], *fromGroup;
    typename Stage::Row row[kItems];
    linear::RowGroup group;

    INGOT_MEMBER Input(const char* x, int rows) {
      auto rowAt = [&](int row) -> const char* { return x + (row < rows ? row : rows - 1) * Stage::kRowBytes; };
#pragma unroll
      for (int i = 0; i < kItems; ++i) {
        from[i] = rowAt((i * kThreads + (int)threadIdx.x) / 4);
        opaque(from[i]);
      }
      fromGroup = rowAt((int)threadIdx.x % kRows);
    }
    INGOT_MEMBER void fetch(int stage) {
      int thread = threadIdx.x;
#pragma unroll
      for (int i = 0; i < kItems; ++i) row[i] = Stage::rowAt(from[i], stage, thread % 4);
      if constexpr (Stage::kRowGroups != 0)
        if (thread < Stage::kRowGroups * kRows) group = Stage::rowGroupAt(fromGroup, stage, thread / kRows);
    }
    INGOT_MEMBER void put(int stage, Storage& storage) const {
      int thread = threadIdx.x, slot = stage % 2;
#pragma unroll
      for (int i = 0; i < kItems; ++i) storage.x[slot * kRows * 4 + i * kThreads + thread] = Stage::fragmentOf(row[i]);
      if constexpr (Stage::kRowGroups != 0)
        if (thread < Stage::kRowGroups * kRows) storage.rowGroups[slot * Stage::kRowGroups * kRows + thread] = group;
    }
  };

  // A thread's share of the weights, copied one stage at a time. Past the last stage it only commits an empty group.
  struct Weights {
    static constexpr int kAll = kTileBlocks * Stage::kChunks, kEach = (kAll + kThreads - 1) / kThreads;
    const char* from[kEach];

    INGOT_INLINE int chunkOf(int i) { return (i * kThreads + (int)threadIdx.x) % Stage::kChunks; }
    INGOT_INLINE int blockOf(int i) { return (i * kThreads + (int)threadIdx.x) / Stage::kChunks; }
    INGOT_MEMBER Weights(const char* matrix, int tile) {
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        int block = tile * kTileBlocks + blockOf(i);
        from[i] = matrix + (block < kBlocks ? block : kBlocks - 1) * Stage::kBlockBytes;
        opaque(from[i]);
      }
    }
    INGOT_MEMBER void copy(int stage, Storage& storage) const {
      if (stage < kStages)
#pragma unroll
        for (int i = 0; i < kEach; ++i)
          if (kAll % kThreads == 0 || blockOf(i) < kTileBlocks)
            copyAsync(storage.shared.weights, stage % kSlots * kAll + blockOf(i) * Stage::kChunks + Stage::swizzle(chunkOf(i)),
                      from[i] + Stage::chunkOf(stage, chunkOf(i)) * 16);
      commitCopies();
    }
  };

  typedef float Sums[kProducts][kGroups][4];

  // Accumulates one stage into the warp's sums.
  INGOT_INLINE void addStage(int stage, Storage& storage, Sums& sums) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, firstRow = warp / kAcross * kWarpRows, firstBlock = warp % kAcross * Stage::kBlocks;
    Words x[kGroups];
    for (int g = 0; g < kGroups; ++g) x[g] = storage.x[(stage % 2 * kRows + firstRow + g * 8) * 4 + lane];
    int weights = (stage % kSlots * kTileBlocks + firstBlock) * Stage::kChunks;
    auto weightsAt = [&](int block, int chunk) -> Words { return storage.shared.weights[weights + block * Stage::kChunks + Stage::swizzle(chunk)]; };
    auto rowGroupAt = [&](int unit, int g, int i) -> linear::RowGroup {
      return storage.rowGroups[(stage % 2 * Stage::kRowGroups + unit) * kRows + firstRow + g * 8 + lane % 4 * 2 + i];
    };
    Stage::add(weightsAt, x, rowGroupAt, lane, sums);
  }

  INGOT_INLINE void addRun(Sums& totals, Sums& sums) {
#pragma unroll
    for (int m = 0; m < kProducts; ++m)
      for (int g = 0; g < kGroups; ++g)
        for (int i = 0; i < 4; ++i) {
          totals[m][g][i] += sums[m][g][i];
          sums[m][g][i] = 0;
        }
  }

  // Main loop. While stage s is computed, the rows of s + 1 and the weights of up to s + kAhead are in flight. One barrier per stage: after it no
  // warp reads stage s - 1, whose slot is filled next.
  INGOT_INLINE void compute(Input& input, const Weights& weights, Storage& storage, Sums& totals) {
#pragma unroll
    for (int stage = 0; stage < kAhead; ++stage) weights.copy(stage, storage);
    awaitLaunches();
    input.fetch(0);
    input.put(0, storage);
    Sums sums = {};
    for (int stage = 0, ofRun = 0; stage < kStages; ++stage) {
      if (stage + 1 < kStages) input.fetch(stage + 1);
      waitForCopies<kAhead - 1>();
      __syncthreads();
      weights.copy(stage + kAhead, storage);
      addStage(stage, storage, sums);
      if (stage + 1 < kStages) input.put(stage + 1, storage);
      if (++ofRun == kRunStages || stage + 1 == kStages) {
        addRun(totals, sums);
        ofRun = 0;
      }
    }
    waitForCopies<0>();
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    // Neighbouring tiles share channels: a wave of blocks reads few weights, and its rows mostly from the L2 cache.
    int rowTile = index % rowTiles(batch), tile = index / rowTiles(batch), rows = linear::rowsOf<C>(batch) - rowTile * kRows;
    Input input((const char*)operands[0] + (long long)rowTile * kRows * Stage::kRowBytes, rows);
    Sums totals = {};
    compute(input, Weights((const char*)operands[1], tile), storage, totals);

    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, firstChannel = warp % kAcross * Stage::kBlocks * kBlockChannels;
#pragma unroll 1
    for (int first = 0; first < kRows; first += kWarpRows) {
      __syncthreads();
      if (warp / kAcross * kWarpRows == first)
#pragma unroll
        for (int g = 0; g < kGroups; ++g)
          for (int m = 0; m < kProducts; ++m)
            for (int i = 0; i < 4; ++i)
              storage.shared.sums[(g * 8 + lane % 4 * 2 + i % 2) * Finish::kStride + firstChannel + Stage::channelOf(m, i / 2, lane)] =
                  totals[m][g][i];
      __syncthreads();
      Finish::template run<kGroups>(storage.shared.sums, warp, kWarps, tile, (long long)rowTile * kRows + first, rows - first, operands);
    }
  }
};

}  // namespace gemm
