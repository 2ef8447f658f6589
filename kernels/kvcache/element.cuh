// KV elements to and from f32, one at a time.
#pragma once

#include "kernels/kvcache/layout.h"
#include "kernels/prim/device.cuh"

template <CacheType T>
struct CacheElement;
template <>
struct CacheElement<CacheType::f32> {
  typedef float Type;
  INGOT_INLINE float widen(float x) { return x; }
  INGOT_INLINE float narrow(float x) { return x; }
};
template <>
struct CacheElement<CacheType::f16> {
  typedef unsigned short Type;
  INGOT_INLINE float widen(unsigned short x) { return halfToFloat(x); }
  INGOT_INLINE unsigned short narrow(float x) { return floatToHalf(x); }
};
template <>
struct CacheElement<CacheType::bf16> {
  typedef unsigned short Type;
  INGOT_INLINE float widen(unsigned short x) { return bfloatToFloat(x); }
  INGOT_INLINE unsigned short narrow(float x) { return floatToBfloat(x); }
};
