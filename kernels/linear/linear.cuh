// y[r, n] = body(sum_k x[r, k] * w[n, k]), as f32 or as quantised rows. Tile i is kCudaTileRows rows times a panel of two channel
// blocks, or as many panels as give whole groups of results.
// The warps of a block share k: each sums a run of units in order, and the warps' sums are added in order (linear.spec.h). Rows are
// taken eight at a time, as many groups as there are, each weight read once for all of them. So a row's bits depend on nothing but
// its own values and the matrix; gemm.cuh keeps to them for many rows. Constants and operands as in linear.cpu.h.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/linear/linear.spec.h"
#include "kernels/linear/tensor.cuh"
#include "kernels/prim/quantize.cuh"

namespace linear {

template <class C, bool Tensor, bool Codes>
struct LoopOf {
  typedef PlainFormat<C> Format;
  typedef ScalarLoop<Format> Type;
};
template <class C>
struct LoopOf<C, true, false> {
  typedef TensorPlain<C> Format;
  typedef TensorLoop<Format> Type;
};
template <class C>
struct LoopOf<C, true, true> {
  typedef TensorCodes<C> Format;
  typedef TensorLoop<Format> Type;
};
template <class C>
struct LoopOf<C, false, true> {
  typedef QuantizedFormat<C> Format;
  typedef ScalarLoop<Format> Type;
};

template <class C>
struct Tile {
  static constexpr int kChannels = kCudaTileChannels, kThreads = kCudaLinearThreads, kWarps = kThreads / kWarp;
  static_assert(kWarps == kCudaRuns);
  static constexpr int kBlocks = (int)blockCount(C::kN), kPanels = (kBlocks + 1) / 2;
  static constexpr int kTilePanels = tilePanels(C::kSums, C::kResultGroup), kTiles = (kPanels + kTilePanels - 1) / kTilePanels;
  static constexpr int kColumns = C::kN / C::kSums, kTileColumns = kTilePanels * kChannels / C::kSums;  // of the result
  static constexpr long long kResultStride = paddedColumns(kColumns);
  static constexpr bool kCodes = isQuantized(C::kFormat);
  static constexpr bool kTensor = kHasTensorCores && C::kFormat != WeightFormat::f32 && (kCodes ? C::kGroup % 32 == 0 : C::kK % 16 == 0);
  // Products of 16-bit weights fit the 128 registers that leave room for two blocks; those of codes take what they need.
  static constexpr int kMinBlocks = kTensor ? kCodes ? 1 : 2 : 0;
  typedef LoopOf<C, kTensor, kCodes> Loop;
  typedef typename Loop::Format Format;
  struct Storage {
    SharedArray<float, kWarps * kRows * kChannels> sums;
    SharedArray<float, C::kResultGroup ? kCudaTileRows * kTileColumns : 1> values;  // before they are quantised
  };

  INGOT_INLINE int rowsOf(const IngotBatch& batch) { return C::kSelected ? batch.num_rows : batch.num_tokens; }
  INGOT_INLINE int rowTiles(const IngotBatch& batch) { return (rowsOf(batch) + kCudaTileRows - 1) / kCudaTileRows; }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch) * kTiles; }

  // Row `row` of a group, channel `channel` of the panel: the warps' sums in order.
  INGOT_INLINE float totalOf(int row, int channel, Storage& storage) {
    float total = 0;
    for (int warp = 0; warp < kWarps; ++warp) total += storage.sums[(warp * kRows + row) * kChannels + channel];
    return total;
  }

  // A warp finishes row `warp` of the group; a lane is a channel.
  INGOT_INLINE void finish(int panel, long long row, int lane, void* const* operands, Storage& storage) {
    long long column = C::kSums == 2 ? panel * kBlockChannels + lane : panel * kChannels + lane;
    if (column >= kColumns || (C::kSums == 2 && lane >= kBlockChannels)) return;
    float totals[C::kSums];
    for (int i = 0; i < C::kSums; ++i) totals[i] = totalOf((int)(row % kRows), lane + i * kBlockChannels, storage);
    Place at{operands + 2, row, column, kResultStride};
    float result = C::Epilogue::apply(totals, at);
    if constexpr (C::kResultGroup == 0) ((float*)operands[2 + C::kExtras])[row * kResultStride + column] = result;
    else storage.values[(int)(row % kCudaTileRows * kTileColumns + column % kTileColumns)] = result;
  }

  // Rows of `values` become groups of quantised rows, a warp each.
  INGOT_INLINE void quantize(int tile, long long firstRow, int rows, void* const* operands, Storage& storage) {
    constexpr int kGroup = C::kResultGroup ? C::kResultGroup : kTileColumns, kGroups = kTileColumns / kGroup;
    for (int i = threadIdx.x / kWarp; i < rows * kGroups; i += kWarps) {
      int row = i / kGroups, g = i % kGroups;
      long long group = (long long)tile * kGroups + g;
      if (group >= kColumns / kGroup) continue;
      char* to = (char*)operands[2 + C::kExtras] + (firstRow + row) * quantizedRowBytes(kColumns, kGroup, C::kResultCode);
      quantizeGroup<kGroup, kColumns, C::kResultCode>([&](int c) -> float { return storage.values[row * kTileColumns + g * kGroup + c]; }, to, group);
    }
  }

  template <int Groups>
  INGOT_INLINE void compute(int panel, long long firstRow, int rows, void* const* operands, Storage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
    // The lane's block of the panel; a second one that is not there is the first one again, and is not stored.
    int block = panel * 2 + lane / kBlockChannels < kBlocks ? lane / kBlockChannels : 0;
    const char* weight = (const char*)operands[1] + (panel * 2 + block) * Format::kBlockBytes;
    float sums[Groups][kRows] = {};
    constexpr int kRun = cudaRunUnits(Format::kUnits);
    int first = warp * kRun, last = first + kRun < Format::kUnits ? first + kRun : Format::kUnits;
    Loop::Type::run((const char*)operands[0] + firstRow * Format::kRowBytes, rows, weight, first, last, lane, sums);
#pragma unroll
    for (int group = 0; group < Groups; ++group) {
      for (int i = 0; i < kRows; ++i)
        storage.sums[(warp * kRows + Loop::Type::rowOf(i, lane)) * kChannels + Loop::Type::channelOf(i, lane)] = sums[group][i];
      __syncthreads();
      if (group * kRows + warp < rows) finish(panel, firstRow + group * kRows + warp, lane, operands, storage);
      __syncthreads();
    }
  }

  // The beginning of every warp's run in the tile's first panel, 4 KB of each block.
  INGOT_INLINE void prefetch(const IngotBatch& batch, void* const* operands, int index) {
    if (index >= count(batch)) return;
    constexpr long long kRunBytes = Format::kBlockBytes / Format::kUnits * cudaRunUnits(Format::kUnits);
    long long at = threadIdx.x / kWarp * kRunBytes + threadIdx.x % kWarp * 128ll;
    int first = index / rowTiles(batch) * kTilePanels * 2;
    for (int block = first; block < first + 2 && block < kBlocks; ++block)
      if (at < Format::kBlockBytes) prefetchLine((const char*)operands[1] + block * Format::kBlockBytes + at);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    // Neighbouring tiles share channels, so that the weights are read from memory once.
    int tile = index / rowTiles(batch), firstRow = index % rowTiles(batch) * kCudaTileRows, rows = rowsOf(batch) - firstRow;
    if (rows > kCudaTileRows) rows = kCudaTileRows;
    for (int panel = tile * kTilePanels; panel < (tile + 1) * kTilePanels && panel < kPanels; ++panel) {
      if (rows <= kRows) compute<1>(panel, firstRow, rows, operands, storage);
      else if (rows <= 2 * kRows) compute<2>(panel, firstRow, rows, operands, storage);
      else compute<4>(panel, firstRow, rows, operands, storage);
    }
    if constexpr (C::kResultGroup != 0) quantize(tile, firstRow, rows, operands, storage);
  }
};

}  // namespace linear
