// KV elements to and from f32, one at a time, and where they lie in the page of a head.
#pragma once

#include "kernels/kvcache/layout.h"
#include "kernels/prim/float8.cuh"

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
template <>
struct CacheElement<CacheType::f8> {
  typedef unsigned char Type;
  INGOT_INLINE float widen(unsigned char x) { return fromFloat8(x); }
  INGOT_INLINE unsigned char narrow(float x) { return toFloat8(x); }
};

// Elements from the head's keys, or values, of a page; as rows, or as fragments (layout.h).
template <CacheType T, int HeadDim>
struct PagePlace {
  static constexpr bool kFragments = (T == CacheType::f16 || T == CacheType::bf16) && kHasTensorCores;
  INGOT_INLINE int key(int d, int token) { return kFragments ? d / 16 * 256 + fragmentPlace(token, d % 16) : d * kPageTokens + token; }
  INGOT_INLINE int value(int token, int d) { return kFragments ? d / 16 * 256 + fragmentPlace(d % 16, token) : token * HeadDim + d; }
};
