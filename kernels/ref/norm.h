// Meaning of norms: RMS (Zhang & Sennrich 2019) and layer normalisation (Ba et al. 2016) of one row, or of one head of it.
#pragma once

#include <cmath>

namespace ingot::ref {

// y = x / sqrt(mean(x^2) + eps) * weight. `y` may be `x`.
template <class Real, class Weight>
void rmsNorm(const Real* x, const Weight* weight, long long columns, Real eps, Real* y) {
  Real sum = 0;
  for (long long c = 0; c < columns; ++c) sum += x[c] * x[c];
  Real factor = 1 / std::sqrt(sum / static_cast<Real>(columns) + eps);
  for (long long c = 0; c < columns; ++c) y[c] = x[c] * factor * static_cast<Real>(weight[c]);
}

// y = (x - mean) / sqrt(variance + eps) * weight + bias; `bias` may be null. `y` may be `x`.
template <class Real, class Weight>
void layerNorm(const Real* x, const Weight* weight, const Weight* bias, long long columns, Real eps, Real* y) {
  Real sum = 0, squares = 0;
  for (long long c = 0; c < columns; ++c) sum += x[c];
  Real mean = sum / static_cast<Real>(columns);
  for (long long c = 0; c < columns; ++c) squares += (x[c] - mean) * (x[c] - mean);
  Real factor = 1 / std::sqrt(squares / static_cast<Real>(columns) + eps);
  for (long long c = 0; c < columns; ++c)
    y[c] = (x[c] - mean) * factor * static_cast<Real>(weight[c]) + (bias ? static_cast<Real>(bias[c]) : Real(0));
}

}  // namespace ingot::ref
