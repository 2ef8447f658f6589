// 8-bit floats with 4 exponent and 3 mantissa bits (e4m3 of the OCP's 8-bit floating point specification) to and from f32: no infinity, at most
// 448; NaN does not occur. An f16 with the same leading bits is 2^-8 of the value; an f32 is 2^-120 of it.
#pragma once

#include "kernels/prim/vector.h"

typedef unsigned char U8x16 __attribute__((vector_size(16)));

INGOT_INLINE F32x16 fromFloat8(U8x16 codes) {
  U16x16 bits = __builtin_convertvector(codes, U16x16);
  return toFloat((F16x16)((bits & 0x80) << 8 | (bits & 0x7f) << 7)) * 256.0f;
}
// From the lowest byte of each lane.
INGOT_INLINE F32x16 fromFloat8(U32x16 codes) { return (F32x16)((codes & 0x80) << 24 | (codes & 0x7f) << 20) * 0x1p120f; }

// Rounds to nearest, ties to even; saturates.
INGOT_INLINE U32x16 float8Of(F32x16 x) {
  U32x16 bits = (U32x16)(minimum(absolute(x), splat(448.0f)) * 0x1p-120f);
  return (bits + 0x7ffff + ((bits >> 20) & 1)) >> 20 | ((U32x16)x >> 31) << 7;
}
INGOT_INLINE U8x16 toFloat8(F32x16 x) { return __builtin_convertvector(float8Of(x), U8x16); }
