// Elementary functions of one value, under the names that generated epilogues use (math.h has them for 16 lanes).
#pragma once

#include "kernels/prim/constants.h"
#include "kernels/prim/device.cuh"

INGOT_INLINE float absolute(float x) { return x < 0 ? -x : x; }

// a / b, given 1 / b: correctly rounded if all values are normal, and without the branches of a division (Markstein 1990).
INGOT_INLINE float quotient(float a, float b, float inverse) {
  float q = a * inverse;
  return fma(fma(-q, b, a), inverse, q);
}

// exp(x) as a power of two; its relative error grows with |x|, to 1e-5 where exp(x) itself is below 1e-35.
INGOT_INLINE float exponential(float x) { return power2(x * kLog2e); }

INGOT_INLINE float sigmoid(float x) { return reciprocal(1.0f + exponential(-x)); }

// tanh(x) = 1 - 2 / (exp(2x) + 1); a Taylor term where that cancels.
INGOT_INLINE float hyperbolicTangent(float x) {
  float square = x * x;
  float small = x * fma(square, fma(square, fma(square, -17.0f / 315, 2.0f / 15), -1.0f / 3), 1.0f);
  float large = 1.0f - 2.0f * reciprocal(exponential(2.0f * x) + 1.0f);
  return absolute(x) < 0.1f ? small : large;
}

// erf by Abramowitz & Stegun 7.1.26, absolute error 1.5e-7.
INGOT_INLINE float errorFunction(float x) {
  float a = absolute(x), t = reciprocal(fma(0.3275911f, a, 1.0f));
  float p = 1.061405429f;
  p = fma(p, t, -1.453152027f);
  p = fma(p, t, 1.421413741f);
  p = fma(p, t, -0.284496736f);
  p = fma(p, t, 0.254829592f);
  float y = 1.0f - p * t * exponential(-a * a);
  return x < 0 ? -y : y;
}

INGOT_INLINE float silu(float x) { return x * sigmoid(x); }
INGOT_INLINE float relu(float x) { return x > 0 ? x : 0.0f; }
INGOT_INLINE float gelu(float x) { return 0.5f * x * (1.0f + errorFunction(x * 0.70710678118654752f)); }
INGOT_INLINE float geluTanh(float x) { return 0.5f * x * (1.0f + hyperbolicTangent(0.79788456080286536f * fma(x * x * x, 0.044715f, x))); }
INGOT_INLINE float softcap(float x, float cap) { return cap * hyperbolicTangent(x * (1.0f / cap)); }
