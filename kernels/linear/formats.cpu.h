// The inner loops of linear, one struct for each weight format:
//   stream    few rows times one block, straight from the packed bytes: bound by memory
//   unpack    a stretch of a panel into scratch, in the layout that `multiply` reads
//   multiply  many rows times the unpacked stretch: bound by computation
// Both accumulate a row in the same order, so its bits do not depend on which of them ran.
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
