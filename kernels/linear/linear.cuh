// y[r, n] = body(sum_k x[r, k] * w[n, k]). Tile i is a panel of two channel blocks, i % panels, times kCudaTileRows rows.
// The warps of a block share k: warp w sums units w, w + kWarps, ... in order, and the warps' sums are added in order, so a
// row's bits depend on nothing but its own values and the matrix. Constants and operands as in linear.cpu.h.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/linear/formats.cuh"
#include "kernels/linear/linear.spec.h"

namespace linear {

template <class C>
struct Tile {
  static constexpr int kRows = kCudaTileRows, kChannels = kCudaTileChannels, kThreads = kCudaLinearThreads, kWarps = kThreads / kWarp;
  static constexpr int kBlocks = (int)blockCount(C::kN), kPanels = (kBlocks + 1) / 2;
  static constexpr int kColumns = C::kN / C::kSums;  // of the result
  static constexpr long long kResultStride = paddedColumns(kColumns);
  typedef typename FormatOf<C, isQuantized(C::kFormat)>::Type Format;
  struct Storage {
    SharedArray<float, kWarps * kRows * kChannels> sums;
  };

  INGOT_INLINE int rowsOf(const IngotBatch& batch) { return C::kSelected ? batch.num_rows : batch.num_tokens; }
  INGOT_INLINE int count(const IngotBatch& batch) { return (rowsOf(batch) + kRows - 1) / kRows * kPanels; }

  // Row `row` of the tile, channel `channel` of the panel: the warps' sums in order.
  INGOT_INLINE float totalOf(int row, int channel, Storage& storage) {
    float total = 0;
    for (int warp = 0; warp < kWarps; ++warp) total += storage.sums[(warp * kRows + row) * kChannels + channel];
    return total;
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int tile, Storage& storage) {
    int panel = tile % kPanels, firstRow = tile / kPanels * kRows, rows = rowsOf(batch) - firstRow;
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
    const char* x[kRows];  // rows behind the last repeat it and are not stored
    for (int r = 0; r < kRows; ++r) x[r] = (const char*)operands[0] + (firstRow + (r < rows ? r : rows - 1)) * Format::kRowBytes;
    int block = panel * 2 + lane / kBlockChannels;
    const char* weight = (const char*)operands[1] + (block < kBlocks ? block : kBlocks - 1) * Format::kBlockBytes;
    float sums[kRows] = {};
    for (int unit = warp; unit < Format::kUnits; unit += kWarps) Format::accumulate(x, weight, lane % kBlockChannels, unit, sums);
    for (int r = 0; r < kRows; ++r) storage.sums[(warp * kRows + r) * kChannels + lane] = sums[r];
    __syncthreads();
    int row = warp;
    if (row >= rows) return;
    float totals[C::kSums];
    long long column = C::kSums == 2 ? panel * kBlockChannels + lane : panel * kChannels + lane;
    if (column >= kColumns || (C::kSums == 2 && lane >= kBlockChannels)) return;
    for (int i = 0; i < C::kSums; ++i) totals[i] = totalOf(row, lane + i * kBlockChannels, storage);
    Place at{operands + 2, firstRow + row, column, kResultStride};
    ((float*)operands[2 + C::kExtras])[(firstRow + row) * kResultStride + column] = C::Epilogue::apply(totals, at);
  }
};

}  // namespace linear
