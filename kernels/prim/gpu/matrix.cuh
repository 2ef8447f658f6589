// Tensor cores (PTX ISA, mma.sync): d += a * b, with 16 rows of a and 8 columns of b. Lane l holds the rows l / 4 and l / 4 + 8 of a, and the
// column l / 4 of b; of both the words l % 4 and l % 4 + 4 along k; and the columns 2 (l % 4) and the next one of d.
#pragma once

#include "kernels/prim/gpu/numbers.cuh"

// Whether wgmma is available (warpgroup.cuh).
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool kHasWarpgroups = true;
#else
constexpr bool kHasWarpgroups = false;
#endif

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
constexpr bool kHasTensorCores = true;
INGOT_INLINE void multiplyBfloats(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
INGOT_INLINE void multiplyHalves(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
INGOT_INLINE void multiplyBytes(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#if __CUDA_ARCH__ >= 890
// The lower or upper two e4m3 floats of a word as f16 (PTX ISA, cvt).
INGOT_INLINE unsigned widenFloat8s(unsigned word, int upper) {
  unsigned halves;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(halves) : "h"((unsigned short)(word >> upper * 16)));
  return halves;
}
#endif
// Words of four e4m3 floats (float8.cuh). d is in units of kFloat8Unit.
#if __CUDA_ARCH__ == 900
// As f16, the lower two floats of every word, then the upper ones. This is how sm_90 implements mma.sync of e4m3, except that the instruction sums
// each 32 columns from zero before adding them to d. Going by f16 gives the same bits as wgmma of f16 (wide_codes.cuh).
constexpr float kFloat8Unit = 1.0f;
INGOT_INLINE void multiplyFloat8s(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  for (int upper = 0; upper < 2; ++upper) {
    unsigned wideA[4], wideB[2];
    for (int i = 0; i < 4; ++i) wideA[i] = widenFloat8s(a[i], upper);
    for (int i = 0; i < 2; ++i) wideB[i] = widenFloat8s(b[i], upper);
    multiplyHalves(d, wideA, wideB);
  }
}
#elif __CUDA_ARCH__ >= 890
constexpr float kFloat8Unit = 1.0f;
INGOT_INLINE void multiplyFloat8s(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#else
// As f16, whose products are exact: the odd bytes, then the even ones, each 2^-8 of its value.
constexpr float kFloat8Unit = 0x1p16f;
INGOT_INLINE unsigned halvesOfOdd(unsigned bytes) { return (bytes & 0x80008000u) | (bytes >> 1 & 0x3f803f80u); }
INGOT_INLINE void multiplyFloat8s(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  for (int shift = 0; shift <= 8; shift += 8) {
    unsigned wideA[4], wideB[2];
    for (int i = 0; i < 4; ++i) wideA[i] = halvesOfOdd(a[i] << shift);
    for (int i = 0; i < 2; ++i) wideB[i] = halvesOfOdd(b[i] << shift);
    multiplyHalves(d, wideA, wideB);
  }
}
#endif
// Two values packed as bf16, or as f16, the first one in the lower half.
INGOT_INLINE unsigned packBfloats(float low, float high) {
  unsigned both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}
INGOT_INLINE unsigned packHalves(float low, float high) {
  unsigned both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}
#else
constexpr bool kHasTensorCores = false;
INGOT_INLINE void multiplyBfloats(float (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
INGOT_INLINE void multiplyHalves(float (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
INGOT_INLINE void multiplyBytes(int (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
constexpr float kFloat8Unit = 1.0f;
INGOT_INLINE void multiplyFloat8s(float (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
INGOT_INLINE unsigned packBfloats(float, float) { return 0; }
INGOT_INLINE unsigned packHalves(float, float) { return 0; }
#endif

// Transposes 8 x 8 halves. Lane l holds two neighbours of row l / 4: 2 (l % 4) and the next one.
INGOT_INLINE unsigned transposeHalves(unsigned pair) {
  unsigned transposed;
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(transposed) : "r"(pair));
  return transposed;
}
