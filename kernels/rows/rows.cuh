// Per row: normalise, apply the epilogue, store as f32, narrow or quantised. A tile is one row. A thread loads four neighbouring columns at a
// time, and if the row is normalised keeps all of its columns in registers. Constants and operands as in rows.cpu.h. Sums have a fixed order:
// every fourth column of a thread in ascending order, then trees.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/prim/narrow.cuh"
#include "kernels/prim/quantize.cuh"
#include "kernels/rows/rows.spec.h"

namespace rows {

template <class C>
struct Tile {
  static constexpr int kThreads = cudaRowsThreads(C::kColumns), kWarps = kThreads / kWarp;
  static constexpr bool kAwaits = true;
  static constexpr int kColumns = C::kColumns, kFirstExtra = 1 + (C::kNorm != 0) + C::kHasBias;
  static constexpr long long kStride = paddedColumns(C::kColumns);
  static constexpr long long kResultBytes =
      C::kGroup != 0 ? quantizedRowBytes(kColumns, C::kGroup ? C::kGroup : 4, C::kCode) : plainRowBytes<C::kNarrowResult>(kColumns);
  // Vectors of four columns per thread: of the row, and those loaded together.
  static constexpr int kFours = (kStride / 4 + kThreads - 1) / kThreads, kTogether = C::kNorm != 0 || kFours < 4 ? kFours : 4;
  static constexpr bool kIsFull = kFours % kTogether == 0 && kColumns == 4 * kFours * kThreads;  // no thread has columns past the row
  static constexpr bool kHoldsWeights = C::kNorm != 0 && kFours <= 8;                            // loaded before the row is there
  struct Storage {
    SharedArray<float, 2 * kWarps> sums;  // of the mean, of the squares
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return C::kSelected ? batch.num_rows : batch.num_tokens; }

  INGOT_INLINE int columnOf(int i) { return (i * kThreads + (int)threadIdx.x) * 4; }
  INGOT_INLINE bool isThere(int column) { return kIsFull || column < kColumns; }
  INGOT_INLINE FourFloats fourAt(const float* from, int column) {
    FourFloats four{};
    if (isThere(column + 3)) return load<FourFloats>(from + column);
    if constexpr (kColumns % 4 != 0)
      for (int k = 0; k < 4; ++k)
        if (isThere(column + k)) four.at[k] = from[column + k];
    return four;
  }
  INGOT_INLINE FourFloats weightAt(void* const* operands, int column) {
    if constexpr (C::kNorm != 0) return fourAt((const float*)operands[1], column);
    return {};
  }

  INGOT_INLINE float sumOf(const FourFloats (&x)[kTogether], float centre, bool squared, Storage& storage) {
    float sums[4] = {};
#pragma unroll
    for (int i = 0; i < kTogether; ++i)
      for (int k = 0; k < 4; ++k) {
        float value = isThere(columnOf(i) + k) ? x[i].at[k] - centre : 0.0f;
        sums[k] = squared ? fma(value, value, sums[k]) : sums[k] + value;
      }
    float sum = warpSum((sums[0] + sums[1]) + (sums[2] + sums[3]));
    int first = squared ? kWarps : 0;
    if (threadIdx.x % kWarp == 0) storage.sums[first + threadIdx.x / kWarp] = sum;
    syncTile<kThreads>();
    float all = 0;
    for (int warp = 0; warp < kWarps; ++warp) all += storage.sums[first + warp];
    return all;
  }

  // Results of four columns; the normalised row is (x - centre) * factor. Columns past the row are zeros.
  INGOT_INLINE FourFloats finish(FourFloats x, const FourFloats& weight, long long row, int column, float centre, float factor,
                                 void* const* operands) {
    FourFloats bias{};
    if constexpr (C::kHasBias) bias = fourAt((const float*)operands[2], column);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      float v = x.at[k];
      if constexpr (C::kNorm != 0) v = (v - centre) * factor * weight.at[k];
      if constexpr (C::kHasBias) v += bias.at[k];
      OutputPosition at{operands + kFirstExtra, row, column + k, kStride};
      x.at[k] = isThere(column + k) ? C::Epilogue::apply(&v, at) : 0.0f;
    }
    return x;
  }

  // Stores four columns; all lanes of a warp call this together.
  INGOT_INLINE void storeResult(char* y, long long row, int column, const FourFloats& values) {
    if constexpr (C::kGroup != 0) {
      constexpr int kGroup = C::kGroup ? C::kGroup : 4;
      quantizeFour<kGroup, kColumns, C::kCode>(values, y + row * kResultBytes, column);
    } else if (kIsFull || column < kStride) {
      storeFour<C::kNarrowResult>(y, row * kStride + column, values);
    }
  }

  // The input row of tile `tile`; a single token has only one.
  INGOT_INLINE const float* rowOf(const IngotBatch& batch, void* const* operands, int tile) {
    return (const float*)operands[0] + (C::kSelect ? batch.rows[tile] : tile) * kStride;
  }

  // Computes row `row` of y from the row at `from`; weights, bias and extras are operands.
  INGOT_INLINE void compute(const float* from, long long row, void* const* operands, char* y, Storage& storage) {
    FourFloats x[kTogether], weights[kHoldsWeights ? kFours : 1];
#pragma unroll
    for (int i = 0; i < kFours && kHoldsWeights; ++i) weights[i] = weightAt(operands, columnOf(i));
    awaitLaunches();
    float centre = 0, factor = 1;
    for (int first = 0; first < kFours; first += kTogether) {
#pragma unroll
      for (int i = 0; i < kTogether; ++i) x[i] = fourAt(from, columnOf(first + i));
      if constexpr (C::kNorm == 2) centre = sumOf(x, 0, false, storage) * (1.0f / kColumns);
      if constexpr (C::kNorm != 0) factor = inverseRoot(sumOf(x, centre, true, storage) * (1.0f / kColumns) + C::kEps);
#pragma unroll
      for (int i = 0; i < kTogether; ++i) {
        int column = columnOf(first + i);
        FourFloats weight = kHoldsWeights ? weights[kHoldsWeights ? i : 0] : weightAt(operands, column);
        x[i] = finish(x[i], weight, row, column, centre, factor, operands);
      }
#pragma unroll
      for (int i = 0; i < kTogether; ++i) storeResult(y, row, columnOf(first + i), x[i]);
    }
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int tile, Storage& storage) {
    compute(rowOf(batch, operands, tile), tile, operands, (char*)operands[kFirstExtra + C::kExtras], storage);
  }
};

}  // namespace rows
