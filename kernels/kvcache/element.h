// KV elements to and from f32. Prelude: kCache (CacheType).
#pragma once

#include "kernels/kvcache/layout.h"
#include "kernels/prim/float8.h"

template <CacheType T>
struct CacheElement;
template <>
struct CacheElement<CacheType::f32> {
  typedef float Type;
  INGOT_INLINE F32x16 load16(const float* from) { return load<F32x16>(from); }
  INGOT_INLINE void store16(float* to, F32x16 x) { store(to, x); }
  INGOT_INLINE float narrow(float x) { return x; }
};
template <>
struct CacheElement<CacheType::f16> {
  typedef _Float16 Type;
  INGOT_INLINE F32x16 load16(const _Float16* from) { return toFloat(load<F16x16>(from)); }
  INGOT_INLINE void store16(_Float16* to, F32x16 x) { store(to, toF16(x)); }
  INGOT_INLINE _Float16 narrow(float x) { return (_Float16)x; }
};
template <>
struct CacheElement<CacheType::bf16> {
  typedef unsigned short Type;
  INGOT_INLINE F32x16 load16(const unsigned short* from) { return fromBf16(load<U16x16>(from)); }
  INGOT_INLINE void store16(unsigned short* to, F32x16 x) { store(to, toBf16(x)); }
  INGOT_INLINE unsigned short narrow(float x) { return toBf16(splat(x))[0]; }
};
template <>
struct CacheElement<CacheType::f8> {
  typedef unsigned char Type;
  INGOT_INLINE F32x16 load16(const unsigned char* from) { return fromFloat8(load<U8x16>(from)); }
  INGOT_INLINE void store16(unsigned char* to, F32x16 x) { store(to, toFloat8(x)); }
  INGOT_INLINE unsigned char narrow(float x) { return toFloat8(splat(x))[0]; }
};
