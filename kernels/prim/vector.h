// Vectors of 16 lanes, the unit of all CPU kernels: one AVX-512 register, two of AVX2, four of NEON. Freestanding. Contraction is off: a fused
// multiply-add is written fma(), so that results do not depend on the compiler's choices.
#pragma once

#pragma STDC FP_CONTRACT OFF

#define INGOT_INLINE static inline __attribute__((always_inline))

#include "kernels/prim/bytes.h"

typedef float F32x16 __attribute__((vector_size(64)));
typedef int I32x16 __attribute__((vector_size(64)));
typedef unsigned U32x16 __attribute__((vector_size(64)));
typedef unsigned char U8x64 __attribute__((vector_size(64)));
typedef signed char I8x64 __attribute__((vector_size(64)));
typedef signed char I8x16 __attribute__((vector_size(16)));
typedef unsigned short U16x16 __attribute__((vector_size(32)));
typedef _Float16 F16x16 __attribute__((vector_size(32)));

constexpr int kLanes = 16;
// Whether 32 vectors of 16 lanes fit into registers, not 8.
#if defined(__AVX512F__)
constexpr bool kHasManyRegisters = true;
#else
constexpr bool kHasManyRegisters = false;
#endif

INGOT_INLINE F32x16 splat(float x) { return x - F32x16{}; }  // x + 0 would turn -0 into +0
INGOT_INLINE I32x16 splat(int x) { return I32x16{} + x; }
INGOT_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return __builtin_elementwise_fma(a, b, c); }
INGOT_INLINE F32x16 toFloat(I32x16 x) { return __builtin_convertvector(x, F32x16); }
INGOT_INLINE F32x16 toFloat(F16x16 x) { return __builtin_convertvector(x, F32x16); }
INGOT_INLINE F32x16 asFloat(I32x16 x) { return (F32x16)x; }
INGOT_INLINE I32x16 asInt(F32x16 x) { return (I32x16)x; }
INGOT_INLINE F32x16 select(I32x16 mask, F32x16 yes, F32x16 no) { return mask ? yes : no; }
INGOT_INLINE F32x16 maximum(F32x16 a, F32x16 b) { return a > b ? a : b; }
INGOT_INLINE F32x16 minimum(F32x16 a, F32x16 b) { return a < b ? a : b; }
INGOT_INLINE F32x16 absolute(F32x16 x) { return asFloat(asInt(x) & 0x7fffffff); }
INGOT_INLINE F32x16 roundEven(F32x16 x) { return __builtin_elementwise_roundeven(x); }

constexpr I32x16 kLaneIndex = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Sums and maxima over lanes, by a fixed tree.
INGOT_INLINE float sumOfLanes(F32x16 x) {
  x += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return x[0] + x[1];
}
INGOT_INLINE float maxOfLanes(F32x16 x) {
  x = maximum(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  x = maximum(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  x = maximum(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  return x[0] > x[1] ? x[0] : x[1];
}
INGOT_INLINE int sumOfLanes(I32x16 x) {
  x += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return x[0] + x[1];
}

// bf16 as the upper half of f32, rounded to nearest even on narrowing.
INGOT_INLINE F32x16 fromBf16(U16x16 x) { return (F32x16)(__builtin_convertvector(x, U32x16) << 16); }
INGOT_INLINE U16x16 toBf16(F32x16 x) {
  U32x16 bits = (U32x16)x;
  return __builtin_convertvector((bits + 0x7fff + ((bits >> 16) & 1)) >> 16, U16x16);
}
INGOT_INLINE F16x16 toF16(F32x16 x) { return __builtin_convertvector(x, F16x16); }
