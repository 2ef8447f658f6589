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
// Codes: value / scale of the token and head (layout.h).
template <>
struct CacheElement<CacheType::i8> {
  typedef signed char Type;
  INGOT_INLINE F32x16 load16(const signed char* from) { return toFloat(__builtin_convertvector(load<I8x16>(from), I32x16)); }
  INGOT_INLINE void store16(signed char* to, F32x16 x) { store(to, __builtin_convertvector(codesOf(x), I8x16)); }
  INGOT_INLINE signed char narrow(float x) { return (signed char)codesOf(splat(x))[0]; }
  INGOT_INLINE I32x16 codesOf(F32x16 x) { return __builtin_convertvector(roundEven(x), I32x16); }
};

// Scales of a head's tokens, stored after its keys or values.
template <int HeadDim, class Element>
INGOT_INLINE float* scalesOf(Element* head) {
  return (float*)(head + HeadDim * kPageTokens);
}
