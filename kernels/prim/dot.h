// Dot products of four 8-bit values per lane, exact in 32 bits: acc[i] += sum of w[4i + j] * x[4i + j] for j < 4.
// dotLow takes unsigned weights below 128; dotBiased takes weights stored + 128 and needs `biasedSeed` in the accumulator.
#pragma once

#include "kernels/prim/vector.h"

#if defined(__ARM_FEATURE_DOTPROD)
typedef int I32x4 __attribute__((vector_size(16)));
INGOT_INLINE I32x16 dotSigned(I32x16 acc, I8x64 w, I8x64 x) {
  I32x4 a[4];
  I8x16 b[4], c[4];
  __builtin_memcpy(a, &acc, 64);
  __builtin_memcpy(b, &w, 64);
  __builtin_memcpy(c, &x, 64);
  for (int i = 0; i < 4; ++i) a[i] = (I32x4)__builtin_neon_vdotq_s32((I8x16)a[i], b[i], c[i], 34);
  __builtin_memcpy(&acc, a, 64);
  return acc;
}
INGOT_INLINE I32x16 dotLow(I32x16 acc, U8x64 w, I8x64 x) { return dotSigned(acc, (I8x64)w, x); }
INGOT_INLINE I32x16 dotBiased(I32x16 acc, U8x64 w, I8x64 x) { return dotSigned(acc, (I8x64)(w ^ 0x80), x); }
INGOT_INLINE int biasedSeed(int) { return 0; }
#else

#if defined(__AVX512VNNI__)
INGOT_INLINE I32x16 dotLow(I32x16 acc, U8x64 w, I8x64 x) { return __builtin_ia32_vpdpbusd512(acc, (I32x16)w, (I32x16)x); }
#elif defined(__AVXVNNI__)
typedef int I32x8 __attribute__((vector_size(32)));
INGOT_INLINE I32x16 dotLow(I32x16 acc, U8x64 w, I8x64 x) {
  I32x8 a[2], b[2], c[2];
  __builtin_memcpy(a, &acc, 64);
  __builtin_memcpy(b, &w, 64);
  __builtin_memcpy(c, &x, 64);
  for (int i = 0; i < 2; ++i) a[i] = __builtin_ia32_vpdpbusd256(a[i], b[i], c[i]);
  __builtin_memcpy(&acc, a, 64);
  return acc;
}
#else
// Even and odd bytes as 16-bit values: products and their pair sums cannot overflow.
typedef short I16x32 __attribute__((vector_size(64)));
INGOT_INLINE I32x16 pairSums(I16x32 a, I16x32 b) {
#if defined(__AVX2__)
  typedef short I16x16 __attribute__((vector_size(32)));
  typedef int I32x8 __attribute__((vector_size(32)));
  I16x16 p[2], q[2];
  I32x8 r[2];
  __builtin_memcpy(p, &a, 64);
  __builtin_memcpy(q, &b, 64);
  for (int i = 0; i < 2; ++i) r[i] = __builtin_ia32_pmaddwd256(p[i], q[i]);
  I32x16 sums;
  __builtin_memcpy(&sums, r, 64);
  return sums;
#else
  I32x16 aLow = ((I32x16)a << 16) >> 16, bLow = ((I32x16)b << 16) >> 16;
  return aLow * bLow + ((I32x16)a >> 16) * ((I32x16)b >> 16);
#endif
}
INGOT_INLINE I32x16 dotLow(I32x16 acc, U8x64 w, I8x64 x) {
  I16x32 wide = (I16x32)w, other = (I16x32)x;
  I16x32 evenW = wide & 0xff, oddW = (wide >> 8) & 0xff, evenX = (other << 8) >> 8, oddX = other >> 8;
  return acc + pairSums(evenW, evenX) + pairSums(oddW, oddX);
}
#endif

INGOT_INLINE I32x16 dotBiased(I32x16 acc, U8x64 w, I8x64 x) { return dotLow(acc, w, x); }
INGOT_INLINE int biasedSeed(int sum) { return -128 * sum; }
#endif

// Four bytes of x in every lane.
INGOT_INLINE I8x64 splatQuad(const signed char* x) {
  int quad;
  __builtin_memcpy(&quad, x, 4);
  return (I8x64)splat(quad);
}
