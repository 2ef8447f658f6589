// Rows between kernels: f32, or narrow, which is f16. Rows that only f16 matrices read are rounded by their producer as those would round them:
// half the bytes, and the same bits.
#pragma once

#include "kernels/prim/device.cuh"
#include "kernels/prim/quantized_row.h"

template <bool Narrow>
struct RowElement {
  typedef TwoFloats Pair;
  static constexpr int kBytes = 4;
};
template <>
struct RowElement<true> {
  typedef unsigned Pair;
  static constexpr int kBytes = 2;
};

template <bool Narrow>
constexpr long long plainRowBytes(long long columns) {
  return paddedColumns(columns) * RowElement<Narrow>::kBytes;
}
// Two neighbouring columns; the first one is even.
template <bool Narrow>
INGOT_INLINE typename RowElement<Narrow>::Pair pairAt(const char* row, long long column) {
  return load<typename RowElement<Narrow>::Pair>(row + column * RowElement<Narrow>::kBytes);
}
template <bool Narrow>
INGOT_INLINE float elementAt(const char* row, long long column) {
  if constexpr (Narrow) return halfToFloat(load<unsigned short>(row + column * 2));
  else return load<float>(row + column * 4);
}
// Element `at` of the array of rows.
template <bool Narrow>
INGOT_INLINE void storeElement(void* rows, long long at, float value) {
  if constexpr (Narrow) store((unsigned short*)rows + at, saturateToHalf(value));
  else store((float*)rows + at, value);
}
template <bool Narrow>
INGOT_INLINE void storeFour(void* rows, long long at, const FourFloats& values) {
  if constexpr (Narrow) {
    store((unsigned short*)rows + at, TwoWords{{packSaturated(values.at[0], values.at[1]), packSaturated(values.at[2], values.at[3])}});
  } else {
    store((float*)rows + at, values);
  }
}
