// f32 values to a quantised row (kernels/linear/layout.h): round to nearest even of x / scale, scale = max|x| / 127 of the group.
#pragma once

#include "kernels/linear/layout.h"
#include "kernels/prim/math.h"

// Group `g` of a row of Columns columns from Group values, a multiple of 16.
template <int Group, long long Columns>
INGOT_INLINE void quantizeGroup(const float* values, char* row, long long g) {
  F32x16 largest = {};
  for (int c = 0; c < Group; c += kLanes) largest = maximum(largest, absolute(load<F32x16>(values + c)));
  float peak = maxOfLanes(largest);
  float inverse = peak > 0 ? 127.0f / peak : 0.0f;
  I32x16 sums = {};
  for (int c = 0; c < Group; c += kLanes) {
    I32x16 q = __builtin_convertvector(roundEven(load<F32x16>(values + c) * inverse), I32x16);
    sums += q;
    store(row + g * Group + c, __builtin_convertvector(q, I8x16));
  }
  ((float*)(row + Columns))[g] = peak / 127.0f;
  ((int*)(row + Columns + 4 * (Columns / Group)))[g] = sumOfLanes(sums);
}
