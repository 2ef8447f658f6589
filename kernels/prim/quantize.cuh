// Quantises f32 values to a row of codes (quantized_row.h): code = x / scale rounded to nearest even, scale = max|x| of the group / largest code.
#pragma once

#include "kernels/prim/float8.cuh"
#include "kernels/prim/math.cuh"
#include "kernels/prim/quantized_row.h"

// Scale of a group whose largest magnitude is `peak`, and its inverse.
template <RowCode Code>
struct GroupScale {
  static constexpr float kLargest = Code == RowCode::f8 ? 448.0f : 127.0f;
  float inverse, scale;
  INGOT_MEMBER GroupScale(float peak)
      : inverse(peak > 0 ? quotient(kLargest, peak, reciprocal(peak)) : 0.0f), scale(quotient(peak, kLargest, 1.0f / kLargest)) {}
  INGOT_MEMBER int codeOf(float value) const { return Code == RowCode::f8 ? toFloat8(value * inverse) : roundEven(value * inverse); }
};

// Quantises group `g` of a row of Columns columns, by one warp; valueAt(i) returns value i of the group.
template <int Group, long long Columns, RowCode Code = RowCode::i8, class ValueAt>
INGOT_INLINE void quantizeGroup(const ValueAt& valueAt, char* row, long long g) {
  constexpr int kEach = (Group + kWarp - 1) / kWarp;
  int lane = threadIdx.x % kWarp;
  float values[kEach], largest = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    values[i] = lane + i * kWarp < Group ? valueAt(lane + i * kWarp) : 0.0f;
    largest = absolute(values[i]) > largest ? absolute(values[i]) : largest;
  }
  GroupScale<Code> group(warpMaximum(largest));
  int sum = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    int code = group.codeOf(values[i]);
    sum += code;
    if (lane + i * kWarp < Group) ((signed char*)row)[g * Group + lane + i * kWarp] = (signed char)code;
  }
  if (lane == 0) ((float*)(row + Columns))[g] = group.scale;
  if constexpr (Code == RowCode::i8) {
    sum = warpSum(sum);
    if (lane == 0) ((int*)(row + Columns + 4 * (Columns / Group)))[g] = sum;
  }
}

// Quantises columns [column, column + 4) of a row of Columns columns; a group is Group / 4 neighbouring lanes. All lanes of the warp call this;
// those past the end of the row store nothing.
template <int Group, long long Columns, RowCode Code = RowCode::i8>
INGOT_INLINE void quantizeFour(const FourFloats& values, char* row, long long column) {
  constexpr int kLanes = Group / 4;
  static_assert(kLanes <= kWarp && (kLanes & (kLanes - 1)) == 0, "a group is a power of two lanes of one warp");
  float largest = 0;
  for (int i = 0; i < 4; ++i) largest = absolute(values.at[i]) > largest ? absolute(values.at[i]) : largest;
  GroupScale<Code> group(warpMaximum<kLanes>(largest));
  unsigned codes = 0;
  for (int i = 0; i < 4; ++i) codes |= (unsigned)(group.codeOf(values.at[i]) & 0xff) << 8 * i;
  int sum = Code == RowCode::i8 ? warpSum<kLanes>(dotQuad((int)codes, 0x01010101, 0)) : 0;
  if (column >= Columns) return;
  store(row + column, codes);
  if (column % Group != 0) return;
  ((float*)(row + Columns))[column / Group] = group.scale;
  if constexpr (Code == RowCode::i8) ((int*)(row + Columns + 4 * (Columns / Group)))[column / Group] = sum;
}
