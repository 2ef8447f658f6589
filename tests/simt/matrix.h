// mma.sync: lanes show their fragments, then each computes its own four sums, over k in ascending order.
#pragma once

#include "tests/simt/numbers.h"
#include "tests/simt/warp.h"

constexpr bool kHasTensorCores = true;
#ifdef INGOT_SIMT_WITHOUT_WARPGROUPS
constexpr bool kHasWarpgroups = false;
#else
constexpr bool kHasWarpgroups = true;
#endif
constexpr float kFloat8Unit = 1.0f;

namespace simt {

// Word `half` (0, 1) of lane t along k, of row (or column) `line`, in the fragments shown with this parity; a has rows 0 ... 15.
static inline unsigned wordOfA(int line, int t, int half, unsigned parity) {
  const Thread& thread = self();
  return thread.block->thread(thread.threadIndex.x / kLanes * kLanes + (unsigned)(line % 8 * 4 + t)).fragments[parity][half * 2 + line / 8];
}
static inline unsigned wordOfB(int line, int t, int half, unsigned parity) {
  const Thread& thread = self();
  return thread.block->thread(thread.threadIndex.x / kLanes * kLanes + (unsigned)(line * 4 + t)).fragments[parity][4 + half];
}

static inline unsigned showFragments(const unsigned (&a)[4], const unsigned (&b)[2], const char* name) {
  Thread& thread = self();
  unsigned parity = thread.collectives % 2;
  for (int i = 0; i < 4; ++i) thread.fragments[parity][i] = a[i];
  for (int i = 0; i < 2; ++i) thread.fragments[parity][4 + i] = b[i];
  show(0, 0xffffffffu, name);
  return parity;
}

static inline float float8Of(unsigned code) { return halfToFloat((unsigned short)((code & 0x80) << 8 | (code & 0x7f) << 7)) * 256.0f; }

// Calls add(i, word of a, word of b) for each of the lane's sums i and each word along k.
template <class Add>
static inline void forEachWord(unsigned parity, const Add& add) {
  int row = (int)lane() / 4, column = (int)lane() % 4 * 2;
  for (int i = 0; i < 4; ++i)
    for (int half = 0; half < 2; ++half)
      for (int t = 0; t < 4; ++t) add(i, wordOfA(row + i / 2 * 8, t, half, parity), wordOfB(column + i % 2, t, half, parity));
}

}  // namespace simt

__attribute__((noinline)) static void multiplyBfloats(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  simt::forEachWord(simt::showFragments(a, b, "multiplyBfloats"), [&](int i, unsigned x, unsigned y) {
    d[i] = fma(asFloat(x << 16), asFloat(y << 16), d[i]);
    d[i] = fma(asFloat(x & 0xffff0000u), asFloat(y & 0xffff0000u), d[i]);
  });
}
__attribute__((noinline)) static void multiplyHalves(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  simt::forEachWord(simt::showFragments(a, b, "multiplyHalves"), [&](int i, unsigned x, unsigned y) {
    d[i] = fma(halfToFloat((unsigned short)x), halfToFloat((unsigned short)y), d[i]);
    d[i] = fma(halfToFloat((unsigned short)(x >> 16)), halfToFloat((unsigned short)(y >> 16)), d[i]);
  });
}
__attribute__((noinline)) static void multiplyBytes(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  simt::forEachWord(simt::showFragments(a, b, "multiplyBytes"), [&](int i, unsigned x, unsigned y) { d[i] = dotQuad((int)x, (int)y, d[i]); });
}

// As on sm_90: two products of f16, of the words' lower halves, then of the upper ones.
__attribute__((noinline)) static void multiplyFloat8s(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  unsigned parity = simt::showFragments(a, b, "multiplyFloat8s");
  for (int first = 0; first < 32; first += 16)
    simt::forEachWord(parity, [&](int i, unsigned x, unsigned y) {
      for (int shift = first; shift < first + 16; shift += 8) d[i] = fma(simt::float8Of(x >> shift), simt::float8Of(y >> shift), d[i]);
    });
}

INGOT_INLINE unsigned roundBfloat(float x) {
  unsigned bits = asBits(x);
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
INGOT_INLINE unsigned packBfloats(float low, float high) { return roundBfloat(low) | roundBfloat(high) << 16; }
INGOT_INLINE unsigned packHalves(float low, float high) { return floatToHalf(low) | (unsigned)floatToHalf(high) << 16; }

static inline unsigned transposeHalves(unsigned pair) {
  unsigned from = simt::lane() % 4 * 8 + simt::lane() / 8, shift = simt::lane() / 4 % 2 * 16;
  unsigned low = __shfl_sync(0xffffffffu, pair, (int)from), high = __shfl_sync(0xffffffffu, pair, (int)from + 4);
  return (low >> shift & 0xffff) | (high >> shift & 0xffff) << 16;
}
