// Arithmetic of one thread.
#pragma once

INGOT_INLINE float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
// The larger value; if one is NaN, the other.
INGOT_INLINE float maximum(float a, float b) { return fmaxf(a, b); }
INGOT_INLINE float power2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// 1 / x for x >= 1, also infinity, within one ulp. A true division branches, which serialises successive ones.
INGOT_INLINE float reciprocal(float x) {
  constexpr float kMost = 0x1p126f;
  if (x > kMost) x = kMost;
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return fma(fma(-x, y, 1.0f), y, y);
}
// 1 / sqrt(x) of a normal x > 0, within two ulp.
INGOT_INLINE float inverseRoot(float x) {
  float y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y * fma(x * y * -0.5f, y, 1.5f);
}
INGOT_INLINE int roundEven(float x) { return __float2int_rn(x); }
INGOT_INLINE float asFloat(unsigned x) { return __uint_as_float(x); }
INGOT_INLINE unsigned asBits(float x) { return __float_as_uint(x); }
INGOT_INLINE int bitCount(unsigned x) { return __popc((int)x); }
// Selects four bytes: a hexadecimal digit each, the lowest byte's last; 0 to 3 are those of `low`, 4 to 7 of `high`.
INGOT_INLINE unsigned pickBytes(unsigned low, unsigned high, unsigned which) { return __byte_perm(low, high, which); }
INGOT_INLINE int lowestBit(unsigned x) { return __ffs((int)x) - 1; }  // x must not be 0
INGOT_INLINE float halfToFloat(unsigned short x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x));
  return y;
}
INGOT_INLINE unsigned short floatToHalf(float x) {
  unsigned short y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
}
// Saturates at the largest f16 instead of giving infinity.
INGOT_INLINE unsigned short saturateToHalf(float x) {
#if __CUDA_ARCH__ >= 800
  unsigned short y;
  asm("cvt.rn.satfinite.f16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
#else
  return floatToHalf(x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x);
#endif
}
// Two values, the first one in the lower half.
INGOT_INLINE unsigned packSaturated(float low, float high) {
#if __CUDA_ARCH__ >= 800
  unsigned both;
  asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
#else
  return saturateToHalf(low) | (unsigned)saturateToHalf(high) << 16;
#endif
}
// a - b for two pairs of f16.
INGOT_INLINE unsigned subtractHalves(unsigned a, unsigned b) {
  unsigned both;
  asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(both) : "r"(a), "r"(b));
  return both;
}
// sum plus four products of signed bytes, exact.
INGOT_INLINE int dotQuad(int a, int b, int sum) { return __dp4a(a, b, sum); }
