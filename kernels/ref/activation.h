// Meaning of element-wise functions.
#pragma once

#include <cmath>

namespace ingot::ref {

template <class Real>
Real silu(Real x) {
  return x / (1 + std::exp(-x));
}
template <class Real>
Real relu(Real x) {
  return x > 0 ? x : Real(0);
}
// Hendrycks & Gimpel 2016, with the error function.
template <class Real>
Real gelu(Real x) {
  return x / 2 * (1 + std::erf(x * static_cast<Real>(0.70710678118654752440)));
}
// Its approximation by tanh.
template <class Real>
Real geluTanh(Real x) {
  return x / 2 * (1 + std::tanh(static_cast<Real>(0.79788456080286535588) * (x + static_cast<Real>(0.044715) * x * x * x)));
}
// cap * tanh(x / cap): keeps x within (-cap, cap).
template <class Real>
Real softcap(Real x, Real cap) {
  return cap * std::tanh(x / cap);
}

}  // namespace ingot::ref
