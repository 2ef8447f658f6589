// Per row: normalise, apply the body, store as f32 or as a quantised row. Tile r is a row; threads stride over its columns.
// Constants and operands as in rows.cpu.h. Every sum has one order: threads in ascending columns, then a tree.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/prim/narrow.cuh"
#include "kernels/prim/quantize.cuh"

namespace rows {

template <class C>
struct Tile {
  static constexpr int kThreads = 128, kWarps = kThreads / kWarp;
  static constexpr int kColumns = C::kColumns;
  static constexpr long long kStride = paddedColumns(C::kColumns);
  static constexpr int kFirstExtra = 1 + (C::kNorm != 0) + C::kHasBias;
  struct Storage {
    SharedArray<float, 2 * kWarps> sums;  // of the centre, of the squares
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return C::kSelected ? batch.num_rows : batch.num_tokens; }

  INGOT_INLINE float sumOf(const float* x, float centre, bool squared, Storage& storage) {
    float sum = 0;
    for (int c = threadIdx.x; c < kColumns; c += kThreads) {
      float value = x[c] - centre;
      sum = squared ? fma(value, value, sum) : sum + value;
    }
    sum = warpSum(sum);
    int first = squared ? kWarps : 0;
    if (threadIdx.x % kWarp == 0) storage.sums[first + threadIdx.x / kWarp] = sum;
    syncTile<kThreads>();
    float all = 0;
    for (int warp = 0; warp < kWarps; ++warp) all += storage.sums[first + warp];
    return all;
  }

  // The finished value of one column; the normalised row is (x - centre) * factor.
  INGOT_INLINE float value(const float* x, long long row, long long c, float centre, float factor, void* const* operands) {
    if (c >= kColumns) return 0;
    float v = x[c];
    if constexpr (C::kNorm != 0) v = (v - centre) * factor * ((const float*)operands[1])[c];
    if constexpr (C::kHasBias) v += ((const float*)operands[2])[c];
    Place at{operands + kFirstExtra, row, c, kStride};
    return C::Epilogue::apply(&v, at);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int tile, Storage& storage) {
    long long row = tile, source = C::kSelect ? batch.rows[tile] : tile;
    const float* x = (const float*)operands[0] + source * kStride;
    char* y = (char*)operands[kFirstExtra + C::kExtras];
    float centre = 0, factor = 1;
    if constexpr (C::kNorm == 2) centre = sumOf(x, 0, false, storage) / kColumns;
    if constexpr (C::kNorm != 0) factor = 1.0f / squareRoot(sumOf(x, centre, true, storage) / kColumns + C::kEps);
    if constexpr (C::kGroup == 0) {
      for (int c = threadIdx.x; c < kStride; c += kThreads)
        storeElement<C::kNarrowResult>(y, row * kStride + c, value(x, row, c, centre, factor, operands));
    } else {
      char* out = y + row * quantizedRowBytes(kColumns, C::kGroup, C::kCode);
      for (int g = threadIdx.x / kWarp; g < kColumns / C::kGroup; g += kWarps)
        quantizeGroup<C::kGroup, kColumns, C::kCode>([&](int i) { return value(x, row, g * C::kGroup + i, centre, factor, operands); }, out, g);
    }
  }
};

}  // namespace rows
