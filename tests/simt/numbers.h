// The arithmetic of kernels/prim/device.cuh in plain C++.
#pragma once

#include "kernels/prim/bytes.h"

INGOT_INLINE float asFloat(unsigned x) { return load<float>(&x); }
INGOT_INLINE unsigned asBits(float x) { return load<unsigned>(&x); }
INGOT_INLINE float fma(float a, float b, float c) { return __builtin_elementwise_fma(a, b, c); }
INGOT_INLINE float maximum(float a, float b) { return b > a || a != a ? b : a; }
INGOT_INLINE float inverseRoot(float x) { return 1.0f / __builtin_elementwise_sqrt(x); }
INGOT_INLINE float reciprocal(float x) { return 1.0f / x; }
INGOT_INLINE int roundEven(float x) { return (int)__builtin_elementwise_roundeven(x); }

// 2^x by a polynomial on the fraction (Cephes), a few units in the last place off, as ex2.approx is.
INGOT_INLINE float power2(float x) {
  if (!(x > -126.0f)) return x == x ? 0.0f : x;
  if (x >= 128.0f) return asFloat(0x7f800000u);
  float n = __builtin_elementwise_roundeven(x), r = x - n;
  float p = 1.535336188319500e-4f;
  p = fma(p, r, 1.339887440266574e-3f);
  p = fma(p, r, 9.618437357674640e-3f);
  p = fma(p, r, 5.550332471162809e-2f);
  p = fma(p, r, 2.402264791363012e-1f);
  p = fma(p, r, 6.931472028550421e-1f);
  p = fma(p, r, 1.0f);
  int whole = (int)n, half = whole >> 1;
  return p * asFloat((unsigned)(half + 127) << 23) * asFloat((unsigned)(whole - half + 127) << 23);
}

INGOT_INLINE float halfToFloat(unsigned short x) { return (float)load<_Float16>(&x); }
INGOT_INLINE unsigned short floatToHalf(float x) {
  _Float16 half = (_Float16)x;
  return load<unsigned short>(&half);
}
INGOT_INLINE unsigned short saturateToHalf(float x) { return floatToHalf(x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x); }
INGOT_INLINE unsigned packSaturated(float low, float high) { return saturateToHalf(low) | (unsigned)saturateToHalf(high) << 16; }

INGOT_INLINE int bitCount(unsigned x) { return __builtin_popcount(x); }
INGOT_INLINE unsigned pickBytes(unsigned low, unsigned high, unsigned which) {
  unsigned long long bytes = (unsigned long long)high << 32 | low;
  unsigned picked = 0;
  for (int i = 0; i < 4; ++i) picked |= (unsigned)(bytes >> (which >> 4 * i & 7) * 8 & 0xff) << 8 * i;
  return picked;
}
INGOT_INLINE int lowestBit(unsigned x) { return __builtin_ctz(x); }
INGOT_INLINE unsigned subtractHalves(unsigned a, unsigned b) {
  auto less = [](unsigned x, unsigned y) -> unsigned { return floatToHalf(halfToFloat((unsigned short)x) - halfToFloat((unsigned short)y)); };
  return less(a, b) | less(a >> 16, b >> 16) << 16;
}

INGOT_INLINE int dotQuad(int a, int b, int sum) {
  for (int i = 0; i < 32; i += 8) sum += (int)(signed char)(a >> i) * (int)(signed char)(b >> i);
  return sum;
}
