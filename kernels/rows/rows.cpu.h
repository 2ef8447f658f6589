// Per row: normalise, apply the epilogue, store as f32 or quantised. Tile r is a row.
// Prelude: kColumns kNorm (0 none, 1 rms, 2 layer) kEps kHasBias kGroup (0: f32) kCode kSelect (rows of the batch, gathered) kExtras, struct
// Epilogue. Operands: x, [weight], [bias], extras..., y. Sums run over columns in a fixed order.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/linear/epilogue.h"
#include "kernels/prim/quantize.cpu.h"

namespace rows {

constexpr long long kStride = paddedColumns(kColumns);
constexpr int kFirstExtra = 1 + (kNorm != 0) + kHasBias;

// Mask of the lanes of the vector at `column` that are in the row.
INGOT_INLINE F32x16 onlyColumns(F32x16 x, long long column) {
  if (column + kLanes <= kColumns) return x;
  return select(kLaneIndex < (int)(kColumns - column), x, splat(0.0f));
}

INGOT_INLINE float sumOf(const float* x, float centre, bool squared) {
  F32x16 sums[4] = {};
  int lane = 0;
  for (long long c = 0; c < kColumns; c += kLanes, lane = (lane + 1) % 4) {
    F32x16 value = onlyColumns(load<F32x16>(x + c) - centre, c);
    sums[lane] = squared ? fma(value, value, sums[lane]) : sums[lane] + value;
  }
  return sumOfLanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// The normalised row is (x - centre) * factor.
INGOT_INLINE void statistics(const float* x, float& centre, float& factor) {
  centre = 0;
  factor = 1;
  if constexpr (kNorm == 2) centre = sumOf(x, 0, false) / kColumns;
  if constexpr (kNorm != 0) factor = 1.0f / __builtin_sqrtf(sumOf(x, centre, true) / kColumns + kEps);
}

INGOT_INLINE F32x16 value(const float* x, long long row, long long c, float centre, float factor, void* const* operands) {
  F32x16 v = load<F32x16>(x + c);
  if constexpr (kNorm != 0) v = (v - centre) * factor * load<F32x16>((const float*)operands[1] + c);
  if constexpr (kHasBias) v += load<F32x16>((const float*)operands[2] + c);
  OutputPosition at{operands + kFirstExtra, row, c, kStride};
  return onlyColumns(Epilogue::apply(&v, at), c);
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last) {
  void* const* operands = args->operands;
  char* y = (char*)operands[kFirstExtra + kExtras];
  for (long long row = first; row < last; ++row) {
    long long source = kSelect ? args->batch->rows[row] : row;
    const float* x = (const float*)operands[0] + source * kStride;
    float centre, factor;
    statistics(x, centre, factor);
    if constexpr (kGroup == 0) {
      for (long long c = 0; c < kStride; c += kLanes) store((float*)y + row * kStride + c, value(x, row, c, centre, factor, operands));
    } else {
      char* out = y + row * quantizedRowBytes(kColumns, kGroup, kCode);
      for (long long g = 0; g < kColumns / kGroup; ++g) {
        float values[kGroup];
        for (int c = 0; c < kGroup; c += kLanes) store(values + c, value(x, row, g * kGroup + c, centre, factor, operands));
        quantizeGroup<kGroup, kColumns, kCode>(values, out, g);
      }
    }
  }
}

}  // namespace rows
