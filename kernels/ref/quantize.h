// Meaning of 8-bit rows: scale = max|x| / 127 per group, rounded to nearest even.
#pragma once

#include <cmath>

namespace ingot::ref {

// Codes and scale of one group.
template <class Real>
void quantizeGroup(const Real* x, long long group, signed char* codes, Real& scale) {
  Real peak = 0;
  for (long long c = 0; c < group; ++c) peak = std::fmax(peak, std::fabs(x[c]));
  scale = peak / 127;
  Real inverse = peak > 0 ? 127 / peak : Real(0);
  for (long long c = 0; c < group; ++c) codes[c] = static_cast<signed char>(std::nearbyint(x[c] * inverse));
}

// The values that a quantised row stands for. `y` may be `x`.
template <class Real>
void roundRow(const Real* x, long long columns, long long group, Real* y) {
  signed char codes[128];  // the largest group of any format
  for (long long first = 0; first < columns; first += group) {
    Real scale;
    quantizeGroup(x + first, group, codes, scale);
    for (long long c = 0; c < group; ++c) y[first + c] = scale * static_cast<Real>(codes[c]);
  }
}

}  // namespace ingot::ref
