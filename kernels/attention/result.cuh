// The only place that stores rows of attention's result.
#pragma once

#include "kernels/attention/attention.spec.h"
#include "kernels/prim/narrow.cuh"
#include "kernels/prim/quantize.cuh"

namespace attention {

// Stores columns [column, column + 4) of a token's row of all heads. All lanes of a warp call this, neighbouring lanes with neighbouring columns;
// a lane with nothing to store passes a column past the end of the row.
template <class C>
INGOT_INLINE void storeResult(void* y, long long token, int column, const FourFloats& values) {
  constexpr int kColumns = C::kHeads * C::kHeadDim;
  if constexpr (C::kResultGroup != 0) {
    constexpr int kGroup = C::kResultGroup ? C::kResultGroup : 4;
    quantizeFour<kGroup, kColumns>(values, (char*)y + token * quantizedRowBytes(kColumns, kGroup), column);
  } else if (column < kColumns) {
    storeFour<C::kNarrowResult>(y, token * kColumns + column, values);
  }
}

}  // namespace attention
