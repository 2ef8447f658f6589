// What a generated body sees on CUDA: one column of the result (epilogue.h has the struct that the compiler writes).
#pragma once

#include "kernels/prim/math.cuh"

// The place in the result that a body is computed for.
struct Place {
  void* const* extras;
  long long row, column, stride;  // of the result, in elements
  INGOT_MEMBER float columnOf(int i) const { return load<float>((const float*)extras[i] + column); }
  INGOT_MEMBER float elementOf(int i) const { return load<float>((const float*)extras[i] + row * stride + column); }
};
