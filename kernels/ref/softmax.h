// Meaning of softmax and its logarithm.
#pragma once

#include <cmath>

namespace ingot::ref {

template <class Real>
Real largestOf(const Real* x, long long count) {
  Real largest = x[0];
  for (long long i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// x = exp(x - max) / sum, in place; count >= 1.
template <class Real>
void softmax(Real* x, long long count) {
  Real largest = largestOf(x, count), sum = 0;
  for (long long i = 0; i < count; ++i) sum += x[i] = std::exp(x[i] - largest);
  for (long long i = 0; i < count; ++i) x[i] /= sum;
}

// x = x - log(sum of exp(x)), in place; count >= 1.
template <class Real>
void logSoftmax(Real* x, long long count) {
  Real largest = largestOf(x, count), sum = 0;
  for (long long i = 0; i < count; ++i) sum += std::exp(x[i] - largest);
  Real log = largest + std::log(sum);
  for (long long i = 0; i < count; ++i) x[i] -= log;
}

}  // namespace ingot::ref
