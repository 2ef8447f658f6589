// Meaning of 8-bit rows: scale = max|x| / the largest code per group, codes rounded to nearest even.
#pragma once

#include <cmath>

#include "kernels/linear/layout.h"

namespace ingot::ref {

// The value of an e4m3 code (kernels/prim/float8.h).
template <class Real>
Real float8Value(int code) {
  int exponent = code >> 3 & 15, fraction = code & 7;
  Real value = exponent ? std::ldexp(Real(8 + fraction), exponent - 10) : std::ldexp(Real(fraction), -9);
  return code & 0x80 ? -value : value;
}

// x, at most about 448, to the nearest e4m3 value, of two the even one.
template <class Real>
Real roundToFloat8(Real x) {
  Real magnitude = std::fmin(std::fabs(x), Real(448));
  int exponent = magnitude < std::ldexp(Real(1), -6) ? -6 : std::ilogb(magnitude);
  return std::copysign(std::ldexp(std::nearbyint(std::ldexp(magnitude, 3 - exponent)), exponent - 3), x);
}

constexpr int largestCode(RowCode code) { return code == RowCode::f8 ? 448 : 127; }

// Codes, as the numbers that they stand for, and scale of one group.
template <class Real, class Code>
void quantizeGroup(const Real* x, long long group, Code* codes, Real& scale, RowCode code = RowCode::i8) {
  Real peak = 0, largest = largestCode(code);
  for (long long c = 0; c < group; ++c) peak = std::fmax(peak, std::fabs(x[c]));
  scale = peak / largest;
  Real inverse = peak > 0 ? largest / peak : Real(0);
  for (long long c = 0; c < group; ++c)
    codes[c] = static_cast<Code>(code == RowCode::f8 ? roundToFloat8(x[c] * inverse) : std::nearbyint(x[c] * inverse));
}

// The values that a quantised row stands for. `y` may be `x`.
template <class Real>
void roundRow(const Real* x, long long columns, long long group, RowCode code, Real* y) {
  float codes[128];  // the largest group of any format
  for (long long first = 0; first < columns; first += group) {
    Real scale;
    quantizeGroup(x + first, group, codes, scale, code);
    for (long long c = 0; c < group; ++c) y[first + c] = scale * static_cast<Real>(codes[c]);
  }
}

}  // namespace ingot::ref
