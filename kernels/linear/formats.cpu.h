// The inner loops of linear, one struct a weight format:
//   stream    few rows times one block, straight from the packed bytes: waits for memory
//   unpack    a stretch of a panel into scratch, as `multiply` reads it
//   multiply  many rows times the unpacked stretch: computes
// Both add to a row's sums in the same order, so its bits do not depend on which of them ran.
#pragma once

#include "kernels/linear/float_codes.cpu.h"
#include "kernels/linear/plain.cpu.h"
#include "kernels/linear/quantized.cpu.h"

namespace linear {

template <WeightFormat F, bool Quantized>
struct FormatOf {
  using Type = PlainFormat<F>;
};
template <WeightFormat F>
struct FormatOf<F, true> {
  using Type = QuantizedFormat<F>;
};
template <>
struct FormatOf<WeightFormat::f8, true> {
  using Type = FloatCodesFormat<WeightFormat::f8>;
};
using Format = FormatOf<kFormat, isQuantized(kFormat)>::Type;
static_assert(sizeof(Format::Panel) <= panelBytes(kFormat, kK, kGroup));

}  // namespace linear
