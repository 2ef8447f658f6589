// f32 values to a quantised row (quantized_row.h): x / scale rounded to nearest even, scale = max|x| of the group / the largest code.
#pragma once

#include "kernels/prim/float8.cuh"
#include "kernels/prim/math.cuh"
#include "kernels/prim/quantized_row.h"

// Group `g` of a row of Columns columns, by one warp; valueAt(i) gives value i of the group.
template <int Group, long long Columns, RowCode Code = RowCode::i8, class ValueAt>
INGOT_INLINE void quantizeGroup(const ValueAt& valueAt, char* row, long long g) {
  constexpr int kEach = (Group + kWarp - 1) / kWarp;
  constexpr float kLargest = Code == RowCode::f8 ? 448.0f : 127.0f;
  int lane = threadIdx.x % kWarp;
  float values[kEach], largest = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    values[i] = lane + i * kWarp < Group ? valueAt(lane + i * kWarp) : 0.0f;
    largest = absolute(values[i]) > largest ? absolute(values[i]) : largest;
  }
  float peak = warpMaximum(largest), inverse = peak > 0 ? kLargest / peak : 0.0f;
  int sum = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    int code = Code == RowCode::f8 ? toFloat8(values[i] * inverse) : roundEven(values[i] * inverse);
    sum += code;
    if (lane + i * kWarp < Group) ((signed char*)row)[g * Group + lane + i * kWarp] = (signed char)code;
  }
  if (lane == 0) ((float*)(row + Columns))[g] = peak / kLargest;
  if constexpr (Code == RowCode::i8) {
    sum = warpSum(sum);
    if (lane == 0) ((int*)(row + Columns + 4 * (Columns / Group)))[g] = sum;
  }
}

// Values [column, column + 4) of a row of Columns columns: a group lies in Group / 4 neighbouring lanes. Every lane of the warp calls;
// those behind the row write nothing.
template <int Group, long long Columns, RowCode Code = RowCode::i8>
INGOT_INLINE void quantizeFour(const FourFloats& values, char* row, long long column) {
  constexpr int kLanes = Group / 4;
  static_assert(kLanes <= kWarp && (kLanes & (kLanes - 1)) == 0, "a group is a power of two lanes of one warp");
  constexpr float kLargest = Code == RowCode::f8 ? 448.0f : 127.0f;
  float largest = 0;
  for (int i = 0; i < 4; ++i) largest = absolute(values.at[i]) > largest ? absolute(values.at[i]) : largest;
  float peak = warpMaximum<kLanes>(largest), inverse = peak > 0 ? kLargest / peak : 0.0f;
  int sum = 0;
  unsigned codes = 0;
  for (int i = 0; i < 4; ++i) {
    int code = Code == RowCode::f8 ? toFloat8(values.at[i] * inverse) : roundEven(values.at[i] * inverse);
    sum += code;
    codes |= (unsigned)(code & 0xff) << 8 * i;
  }
  if constexpr (Code == RowCode::i8) sum = warpSum<kLanes>(sum);
  if (column >= Columns) return;
  store(row + column, codes);
  if (column % Group != 0) return;
  ((float*)(row + Columns))[column / Group] = peak / kLargest;
  if constexpr (Code == RowCode::i8) ((int*)(row + Columns + 4 * (Columns / Group)))[column / Group] = sum;
}
