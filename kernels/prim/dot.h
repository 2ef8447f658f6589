// Dot products of four 8-bit values per lane, exact: total[i] += sum of w[4i + j] * x[4i + j] for j < 4, with x in -127 .. 127.
//   NibbleDots  w below 16; or w stored with an offset of 8, if started by less8<Columns>(); fold() after at most 8 additions
//   ByteDots    w stored with an offset of 128, started by less128()
// The offset is cancelled with the sum of x over all `Columns` that are added.
// Machines without such an instruction first sum pairs of products in 16 bits.
#pragma once

#include "kernels/prim/vector.h"

typedef int I32x4 __attribute__((vector_size(16)));
typedef int I32x8 __attribute__((vector_size(32)));
typedef short I16x16 __attribute__((vector_size(32)));
typedef signed char I8x32 __attribute__((vector_size(32)));

// A vector of 16 lanes as several machine registers.
template <class Part, class Whole>
struct Parts {
  Part at[sizeof(Whole) / sizeof(Part)];
  INGOT_INLINE Parts of(Whole whole) { return __builtin_bit_cast(Parts, whole); }
};

#if defined(__AVX2__) && !defined(__AVX512VNNI__) && !defined(__AVXVNNI__)

typedef short I16x32 __attribute__((vector_size(64)));

// Products of unsigned bytes below 129 with signed ones, summed in neighbouring pairs, in 16 bits.
INGOT_INLINE I16x32 pairSums(I8x64 small, I8x64 x) {
  auto a = Parts<I8x32, I8x64>::of(small), b = Parts<I8x32, I8x64>::of(x);
  Parts<I16x16, I16x32> sums;
  for (int i = 0; i < 2; ++i) sums.at[i] = __builtin_ia32_pmaddubsw256(a.at[i], b.at[i]);
  return __builtin_bit_cast(I16x32, sums);
}
INGOT_INLINE I32x16 sumsOfPairs(I16x32 pairs) {
  auto a = Parts<I16x16, I16x32>::of(pairs);
  Parts<I32x8, I32x16> sums;
  for (int i = 0; i < 2; ++i) sums.at[i] = __builtin_ia32_pmaddwd256(a.at[i], I16x16{} + 1);
  return __builtin_bit_cast(I32x16, sums);
}
// Broadcast that is opaque to the optimiser, which would otherwise multiply before it broadcasts, in scalar registers.
INGOT_INLINE I16x32 splatShort(int value) {
  I16x16 lanes = I16x16{} + (short)value;
  __asm__("" : "+x"(lanes));
  return __builtin_shufflevector(lanes, lanes, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                 15);
}
// x with the signs of w; zero where w is zero.
INGOT_INLINE I8x64 withSigns(I8x64 x, I8x64 w) {
  auto a = Parts<I8x32, I8x64>::of(x), b = Parts<I8x32, I8x64>::of(w);
  for (int i = 0; i < 2; ++i) a.at[i] = __builtin_ia32_psignb256(a.at[i], b.at[i]);
  return __builtin_bit_cast(I8x64, a);
}

struct NibbleDots {
  I32x16 total = {};
  I16x32 pairs = {};  // 8 sums of two products are at most 8 * 2 * 15 * 127 = 30480, or of codes less 4 and 4 times 16 other values
  template <int Columns>
  INGOT_INLINE NibbleDots less8(const int* sum) {
    if constexpr (Columns > 32) return {splat(-8 * *sum)};
    else return {{}, I16x32{} - splatShort(*sum) * 4};
  }
  inline __attribute__((always_inline)) void add(U8x64 w, I8x64 x) { pairs += pairSums((I8x64)w, x); }
  inline __attribute__((always_inline)) void fold() {
    total += sumsOfPairs(pairs);
    pairs = I16x32{};
  }
};
struct ByteDots {
  I32x16 total;
  INGOT_INLINE ByteDots less128(const int*) { return {}; }
  // |w| is at most 128, so that a sum of two products is at most 32512.
  inline __attribute__((always_inline)) void add(U8x64 stored, I8x64 x) {
    I8x64 w = (I8x64)(stored ^ 0x80);
    total += sumsOfPairs(pairSums(__builtin_elementwise_abs(w), withSigns(x, w)));
  }
  inline __attribute__((always_inline)) void fold() {}
};

#else

#if defined(__ARM_FEATURE_DOTPROD)
constexpr bool kSignedBytes = true;
INGOT_INLINE I32x16 dotQuads(I32x16 total, U8x64 w, I8x64 x) {
  auto sums = Parts<I32x4, I32x16>::of(total);
  auto a = Parts<I8x16, U8x64>::of(w);
  auto b = Parts<I8x16, I8x64>::of(x);
  for (int i = 0; i < 4; ++i) sums.at[i] = (I32x4)__builtin_neon_vdotq_s32((I8x16)sums.at[i], a.at[i], b.at[i], 34);
  return __builtin_bit_cast(I32x16, sums);
}
#else
constexpr bool kSignedBytes = false;
#if defined(__AVX512VNNI__)
INGOT_INLINE I32x16 dotQuads(I32x16 total, U8x64 w, I8x64 x) { return __builtin_ia32_vpdpbusd512(total, (I32x16)w, (I32x16)x); }
#elif defined(__AVXVNNI__)
INGOT_INLINE I32x16 dotQuads(I32x16 total, U8x64 w, I8x64 x) {
  auto sums = Parts<I32x8, I32x16>::of(total), a = Parts<I32x8, I32x16>::of((I32x16)w), b = Parts<I32x8, I32x16>::of((I32x16)x);
  for (int i = 0; i < 2; ++i) sums.at[i] = __builtin_ia32_vpdpbusd256(sums.at[i], a.at[i], b.at[i]);
  return __builtin_bit_cast(I32x16, sums);
}
#else
INGOT_INLINE I32x16 dotQuads(I32x16 total, U8x64 w, I8x64 x) {
  U32x16 a = (U32x16)w, b = (U32x16)x;
  for (int shift = 24; shift >= 0; shift -= 8) total += (I32x16)(a << shift >> 24) * ((I32x16)(b << shift) >> 24);
  return total;
}
#endif
#endif

struct NibbleDots {
  I32x16 total = {};
  template <int Columns>
  INGOT_INLINE NibbleDots less8(const int* sum) {
    return {splat(-8 * *sum)};
  }
  inline __attribute__((always_inline)) void add(U8x64 w, I8x64 x) { total = dotQuads(total, w, x); }
  inline __attribute__((always_inline)) void fold() {}
};
struct ByteDots {
  I32x16 total = {};
  INGOT_INLINE ByteDots less128(const int* sum) { return {splat(kSignedBytes ? 0 : -128 * *sum)}; }
  inline __attribute__((always_inline)) void add(U8x64 stored, I8x64 x) { total = dotQuads(total, kSignedBytes ? stored ^ 0x80 : stored, x); }
  inline __attribute__((always_inline)) void fold() {}
};

#endif

// Two rows of x times two channels of w, eight signed columns each, in one instruction; total is [row][channel].
#if defined(__ARM_FEATURE_MATMUL_INT8)
constexpr bool kRowPairs = true;
INGOT_INLINE I32x4 dotPairs(I32x4 total, I8x16 x, I8x16 w) { return (I32x4)__builtin_neon_vmmlaq_s32((I8x16)total, x, w, 34); }
#else
constexpr bool kRowPairs = false;
INGOT_INLINE I32x4 dotPairs(I32x4 total, I8x16, I8x16) { return total; }  // never called
#endif

// Four bytes of x, broadcast to every lane.
INGOT_INLINE I8x64 splatQuad(const signed char* x) { return (I8x64)splat(load<int>(x)); }
