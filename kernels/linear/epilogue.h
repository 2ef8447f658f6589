// What generated epilogues see. The compiler writes, for every fused op, a struct such as
//
//   struct Epilogue {
//     template <class Value, class At>
//     INGOT_INLINE Value apply(const Value* sums, const At& at) {
//       Value v0 = silu(sums[0]);
//       Value v1 = v0 * sums[1];
//       return v1 + at.elementOf(0);
//     }
//   };
//
// `sums` are the accumulators (one, or two for interleaved matrices) of 16 neighbouring columns here, of one column in epilogue.cuh. `at.columnOf(i)`
// is extra operand i as a vector along columns, `at.elementOf(i)` as a matrix with the shape of the result.
#pragma once

#include "kernels/prim/math.h"

// The elements of the result that an epilogue computes.
struct OutputPosition {
  void* const* extras;
  long long row, column, stride;  // of the result, in elements
  INGOT_INLINE F32x16 loadAt(const void* base, long long index) { return load<F32x16>((const float*)base + index); }
  inline __attribute__((always_inline)) F32x16 columnOf(int i) const { return loadAt(extras[i], column); }
  inline __attribute__((always_inline)) F32x16 elementOf(int i) const { return loadAt(extras[i], row * stride + column); }
};
