// 8-bit floats to and from f32, as float8.h has it for CPUs.
#pragma once

#include "kernels/prim/device.cuh"

INGOT_INLINE float fromFloat8(unsigned char x) { return halfToFloat((unsigned short)((x & 0x80) << 8 | (x & 0x7f) << 7)) * 256.0f; }
INGOT_INLINE unsigned char toFloat8(float x) {
  float magnitude = x < 0 ? -x : x;
  unsigned bits = asBits((magnitude < 448.0f ? magnitude : 448.0f) * 0x1p-120f);
  return (unsigned char)((bits + 0x7ffff + ((bits >> 20) & 1)) >> 20 | asBits(x) >> 31 << 7);
}
