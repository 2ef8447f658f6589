// Elementary functions on 16 lanes, within a few units in the last place of f32 where it matters here.
#pragma once

#include "kernels/prim/constants.h"
#include "kernels/prim/vector.h"

// exp(x) by x = n ln2 + r, a degree-6 polynomial on r (Cephes), and 2^n put into the exponent.
INGOT_INLINE F32x16 wholePart(F32x16 x) { return roundEven(x * kLog2e); }
INGOT_INLINE F32x16 exponentialOfRest(F32x16 x, F32x16 n) {
  F32x16 r = fma(n, splat(-0.693359375f), x);
  r = fma(n, splat(2.12194440e-4f), r);
  F32x16 p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  return fma(p, r * r, r + 1.0f);
}

// exp(-inf) is 0.
INGOT_INLINE F32x16 exponential(F32x16 x) {
  F32x16 clamped = minimum(maximum(x, splat(-87.33654f)), splat(88.72283f)), n = wholePart(clamped);
  // 2^n in two halves, for n = 128 does not fit one exponent.
  I32x16 whole = __builtin_convertvector(n, I32x16), half = whole >> 1;
  F32x16 y = exponentialOfRest(clamped, n) * asFloat((half + 127) << 23) * asFloat((whole - half + 127) << 23);
  return select(x < -87.33654f, splat(0.0f), y);
}

// exp(x) for x <= 0: one exponent holds 2^n.
INGOT_INLINE F32x16 exponentialOfNegative(F32x16 x) {
  F32x16 clamped = maximum(x, splat(-87.33654f)), n = wholePart(clamped);
  F32x16 y = exponentialOfRest(clamped, n) * asFloat((__builtin_convertvector(n, I32x16) + 127) << 23);
  return select(x < -87.33654f, splat(0.0f), y);
}

INGOT_INLINE F32x16 sigmoid(F32x16 x) { return 1.0f / (1.0f + exponential(-x)); }

// tanh(x) = 1 - 2 / (exp(2x) + 1); a Taylor term where that cancels.
INGOT_INLINE F32x16 hyperbolicTangent(F32x16 x) {
  F32x16 square = x * x;
  F32x16 small = x * fma(square, fma(square, fma(square, splat(-17.0f / 315), splat(2.0f / 15)), splat(-1.0f / 3)), splat(1.0f));
  F32x16 large = 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f);
  return select(absolute(x) < 0.1f, small, large);
}

// erf by Abramowitz & Stegun 7.1.26, absolute error 1.5e-7.
INGOT_INLINE F32x16 errorFunction(F32x16 x) {
  F32x16 a = absolute(x), t = 1.0f / fma(splat(0.3275911f), a, splat(1.0f));
  F32x16 p = splat(1.061405429f);
  p = fma(p, t, splat(-1.453152027f));
  p = fma(p, t, splat(1.421413741f));
  p = fma(p, t, splat(-0.284496736f));
  p = fma(p, t, splat(0.254829592f));
  F32x16 y = 1.0f - p * t * exponential(-a * a);
  return select(x < 0.0f, -y, y);
}

INGOT_INLINE F32x16 silu(F32x16 x) { return x * sigmoid(x); }
INGOT_INLINE F32x16 relu(F32x16 x) { return maximum(x, splat(0.0f)); }
INGOT_INLINE F32x16 gelu(F32x16 x) { return 0.5f * x * (1.0f + errorFunction(x * 0.70710678118654752f)); }
INGOT_INLINE F32x16 geluTanh(F32x16 x) { return 0.5f * x * (1.0f + hyperbolicTangent(0.79788456080286536f * fma(x * x * x, splat(0.044715f), x))); }
INGOT_INLINE F32x16 softcap(F32x16 x, float cap) { return cap * hyperbolicTangent(x / cap); }
