// Meaning of causal attention of one row over its sequence's keys and values.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/ref/activation.h"
#include "kernels/ref/softmax.h"

namespace ingot::ref {

template <class Real>
struct AttentionShape {
  long long heads, kvHeads, headDim;
  Real scale;
  long long window;  // 0: all positions
  Real softcap;      // 0: none
  bool alibi;
};

// ALiBi slopes (Press et al. 2022), in powers of two: the last of 2^n heads has 2^-8, with equal steps of the exponent; further heads take every
// other slope of twice as many heads.
template <class Real>
Real alibiSlope(long long heads, long long head) {
  long long closest = 1;
  while (2 * closest <= heads) closest *= 2;
  long long step = head < closest ? 2 * (head + 1) : 2 * (head - closest) + 1;
  return std::exp2(Real(-4) * static_cast<Real>(step) / static_cast<Real>(closest));
}

// y[heads, headDim] = attention of q[heads, headDim] at `position` over positions [0, position], the last `window` of
// them if there is one. keys and values are [positions, kvHeads, headDim]; query head h reads head h / (heads / kvHeads).
template <class Real>
void attention(const AttentionShape<Real>& shape, const Real* q, long long position, const Real* keys, const Real* values, Real* y) {
  long long first = shape.window > 0 && position >= shape.window ? position - shape.window + 1 : 0, count = position - first + 1;
  std::vector<Real> weights(static_cast<unsigned long long>(count));
  for (long long h = 0; h < shape.heads; ++h) {
    long long kvHead = h / (shape.heads / shape.kvHeads);
    Real slope = shape.alibi ? alibiSlope<Real>(shape.heads, h) : 0;
    auto at = [&](const Real* cache, long long i) { return cache + ((first + i) * shape.kvHeads + kvHead) * shape.headDim; };
    for (long long i = 0; i < count; ++i) {
      Real score = 0;
      for (long long d = 0; d < shape.headDim; ++d) score += q[h * shape.headDim + d] * at(keys, i)[d];
      score *= shape.scale;
      weights[i] = shape.softcap > 0 ? softcap(score, shape.softcap) : score;
      if (shape.alibi) weights[i] += slope * static_cast<Real>(first + i - position);
    }
    softmax(weights.data(), count);
    Real* sums = y + h * shape.headDim;
    for (long long d = 0; d < shape.headDim; ++d) sums[d] = 0;
    for (long long i = 0; i < count; ++i)
      for (long long d = 0; d < shape.headDim; ++d) sums[d] += weights[i] * at(values, i)[d];
  }
}

}  // namespace ingot::ref
