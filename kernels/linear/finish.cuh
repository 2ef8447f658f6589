// Epilogue of the tiles for many rows: sums in shared memory, one line of the tile's channels per row, become results. A warp takes whole rows; a
// lane takes every 32nd column.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/linear/wide.spec.h"
#include "kernels/prim/narrow.cuh"
#include "kernels/prim/quantize.cuh"

namespace linear {

template <class C, int Channels>
struct Finish {
  static constexpr int kStride = cudaWideStride(Channels);
  static constexpr int kColumns = (int)(C::kN / C::kSums), kTileColumns = Channels / (int)C::kSums, kEach = kTileColumns / kWarp;
  static constexpr long long kResultStride = paddedColumns(kColumns);

  INGOT_INLINE int columnOf(int tile, int i) { return tile * kTileColumns + (int)threadIdx.x % kWarp + i * kWarp; }

  // Finishes lines `line`, line + distance, ... (Lines of them) for a warp; line l is row firstRow + l of the `rows` that exist. All epilogue
  // loads are issued before the first store, which they must not wait for. Lines past the last row repeat the first one and are not stored.
  template <int Lines, int N>
  INGOT_INLINE void run(SharedArray<float, N>& sums, int line, int distance, int tile, long long firstRow, int rows, void* const* operands) {
    if (line >= rows) return;
    float results[Lines][kEach];
#pragma unroll
    for (int l = 0; l < Lines; ++l) {
      int at = line + l * distance;
      resultsOf(sums, at < rows ? at : line, tile, firstRow, operands, results[l]);
    }
#pragma unroll
    for (int l = 0; l < Lines; ++l)
      if (line + l * distance < rows) storeResults(sums, line + l * distance, tile, firstRow, operands, results[l]);
  }

  template <int N>
  INGOT_INLINE void resultsOf(SharedArray<float, N>& sums, int line, int tile, long long firstRow, void* const* operands, float (&results)[kEach]) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      int at = (int)threadIdx.x % kWarp + i * kWarp, column = columnOf(tile, i);
      float totals[C::kSums];
      for (int j = 0; j < C::kSums; ++j) totals[j] = sums[line * kStride + (C::kSums == 2 ? at / 16 * 32 + at % 16 + j * 16 : at)];
      OutputPosition position{operands + 2, firstRow + line, column < kColumns ? column : kColumns - 1, kResultStride};
      results[i] = C::Epilogue::apply(totals, position);
    }
  }

  template <int N>
  INGOT_INLINE void storeResults(SharedArray<float, N>& sums, int line, int tile, long long firstRow, void* const* operands,
                                 const float (&results)[kEach]) {
    if constexpr (C::kResultGroup != 0) quantize(sums, line, tile, firstRow, operands, results);
    else
#pragma unroll
      for (int i = 0; i < kEach; ++i)
        if (columnOf(tile, i) < kColumns)
          storeElement<C::kNarrowResult>(operands[2 + C::kExtras], (firstRow + line) * kResultStride + columnOf(tile, i), results[i]);
  }

  // Quantises the results of a row, in place of its sums.
  template <int N>
  INGOT_INLINE void quantize(SharedArray<float, N>& sums, int line, int tile, long long firstRow, void* const* operands,
                             const float (&results)[kEach]) {
    constexpr int kGroup = C::kResultGroup ? (int)C::kResultGroup : kTileColumns, kTileGroups = kTileColumns / kGroup;
    int lane = threadIdx.x % kWarp, from = line * kStride;
    __syncwarp();
    for (int i = 0; i < kEach; ++i)
      if (columnOf(tile, i) < kColumns) sums[from + lane + i * kWarp] = results[i];
    __syncwarp();
    for (int g = 0; g < kTileGroups; ++g) {
      long long group = (long long)tile * kTileGroups + g;
      if (group >= kColumns / kGroup) break;
      char* to = (char*)operands[2 + C::kExtras] + (firstRow + line) * quantizedRowBytes(kColumns, kGroup, C::kResultCode);
      quantizeGroup<kGroup, kColumns, C::kResultCode>([&](int c) -> float { return sums[from + g * kGroup + c]; }, to, group);
    }
  }
};

}  // namespace linear
