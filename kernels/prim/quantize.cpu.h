// Quantises f32 values to a row of codes (quantized_row.h): code = x / scale rounded to nearest even, scale = max|x| of the group / largest code.
#pragma once

#include "kernels/prim/float8.h"
#include "kernels/prim/math.h"
#include "kernels/prim/quantized_row.h"

// Quantises group `g` of a row of Columns columns; Group is a multiple of 16.
template <int Group, long long Columns, RowCode Code = RowCode::i8>
INGOT_INLINE void quantizeGroup(const float* values, char* row, long long g) {
  constexpr float kLargest = Code == RowCode::f8 ? 448.0f : 127.0f;
  F32x16 largest = {};
  for (int c = 0; c < Group; c += kLanes) largest = maximum(largest, absolute(load<F32x16>(values + c)));
  float peak = maxOfLanes(largest);
  float inverse = peak > 0 ? kLargest / peak : 0.0f;
  I32x16 sums = {};
  for (int c = 0; c < Group; c += kLanes) {
    F32x16 scaled = load<F32x16>(values + c) * inverse;
    if constexpr (Code == RowCode::f8) {
      store(row + g * Group + c, toFloat8(scaled));
    } else {
      I32x16 q = __builtin_convertvector(roundEven(scaled), I32x16);
      sums += q;
      store(row + g * Group + c, __builtin_convertvector(q, I8x16));
    }
  }
  ((float*)(row + Columns))[g] = peak / kLargest;
  if constexpr (Code == RowCode::i8) ((int*)(row + Columns + 4 * (Columns / Group)))[g] = sumOfLanes(sums);
}
