// KV cache elements to and from f32 (bytes also to pairs of f16), and their offsets in a page.
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
template <>
struct CacheElement<CacheType::i8> {
  typedef signed char Type;
  INGOT_INLINE float widen(signed char x) { return x; }
  INGOT_INLINE signed char narrow(float x) { return (signed char)roundEven(x); }
};

// Bytes 0 and 2 of a word as two f16, exactly: int8 codes as integers, e4m3 as 2^-8 of the value.
template <CacheType T>
INGOT_INLINE unsigned widenPair(unsigned word) {
  if constexpr (T == CacheType::f8) return (word << 8 & 0x80008000u) | (word << 7 & 0x3f803f80u);
  else return subtractHalves((word & 0x00ff00ffu) ^ 0x64806480u, 0x64806480u);  // 1024 + (code + 128)
}

// Scales of a head's tokens, stored after its keys or values.
template <int HeadDim, class Element>
INGOT_INLINE float* scalesOf(Element* head) {
  return (float*)(head + HeadDim * kPageTokens);
}

// Offset of an element within the head's keys, or values, of a page: row-major, or as mma fragments (layout.h).
template <CacheType T, int HeadDim>
struct PageLayout {
  static constexpr bool kFragments = T != CacheType::f32 && kHasTensorCores;
  INGOT_INLINE int key(int d, int token) { return kFragments ? fragmentOffset(T, HeadDim, token, d, false) : d * kPageTokens + token; }
  INGOT_INLINE int value(int token, int d) { return kFragments ? fragmentOffset(T, HeadDim, token, d, true) : token * HeadDim + d; }
};
