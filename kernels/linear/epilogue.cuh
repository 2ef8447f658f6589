// What generated epilogues see on CUDA: one column of the result (epilogue.h has the struct that the compiler writes).
#pragma once

#include "kernels/prim/math.cuh"

// The element of the result that an epilogue computes.
struct OutputPosition {
  void* const* extras;
  long long row, column, stride;  // of the result, in elements
  INGOT_MEMBER float columnOf(int i) const { return load<float>((const float*)extras[i] + column); }
  INGOT_MEMBER float elementOf(int i) const { return load<float>((const float*)extras[i] + row * stride + column); }
};

// An element `offset` elements after a thread's first one, so that a single address serves all rows of the thread.
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

// Values of N extra operands, loaded ahead of the products: calling an epilogue with loadingFrom(position) performs its loads, and calling it
// again with the Extras uses them.
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

namespace linear {

// Rows of x and of the result: those whose logits are wanted, or all tokens.
template <class C>
INGOT_INLINE int rowsOf(const IngotBatch& batch) {
  return C::kSelected ? batch.num_rows : batch.num_tokens;
}

}  // namespace linear
