// What a generated body sees on CUDA: one column of the result (epilogue.h has the struct that the compiler writes).
#pragma once

#include "kernels/prim/math.cuh"

// The place in the result that a body is computed for.
struct OutputPosition {
  void* const* extras;
  long long row, column, stride;  // of the result, in elements
  INGOT_MEMBER float columnOf(int i) const { return load<float>((const float*)extras[i] + column); }
  INGOT_MEMBER float elementOf(int i) const { return load<float>((const float*)extras[i] + row * stride + column); }
};

// The same of a thread with many rows: so many elements behind its first one's, whose address does for all of them.
struct OffsetPosition {
  OutputPosition first;
  int offset;
  INGOT_MEMBER float columnOf(int i) const { return first.columnOf(i); }
  INGOT_MEMBER float elementOf(int i) const {
    const char* at = (const char*)((const float*)first.extras[i] + first.row * first.stride + first.column);
    opaque(at);
    return load<float>((const float*)at + offset);
  }
};

// What a body will read of N extra operands, on its way before there is anything to compute with: a body that is called with asking(a place) does
// nothing but load it.
template <int N>
struct Extras {
  float values[N > 0 ? N : 1];
  INGOT_MEMBER float columnOf(int i) const { return values[i]; }
  INGOT_MEMBER float elementOf(int i) const { return values[i]; }

  template <class From>
  struct Loading {
    const From& position;
    Extras& extras;
    INGOT_MEMBER float columnOf(int i) const { return extras.values[i] = position.columnOf(i); }
    INGOT_MEMBER float elementOf(int i) const { return extras.values[i] = position.elementOf(i); }
  };
  template <class From>
  INGOT_MEMBER Loading<From> loadingFrom(const From& position) {
    return {position, *this};
  }
};
