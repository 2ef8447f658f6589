// Consumer side of wide_codes.cuh for one unit: loads fragments and scales from the ring, issues the products, and adds scaled dot products.
#pragma once

#include "kernels/linear/fragments.cuh"
#include "kernels/linear/linear.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide_codes {

// `T` is the tile, with its shape and storage.
template <class T>
struct Products {
  typedef typename T::Storage Storage;
  typedef typename T::Fragments Fragments;
  typedef typename T::Scales Scales;
  typedef typename T::Dots Dots;
  typedef typename T::Sums Sums;

  // A warp has 16 channels of a panel of two blocks; a lane two neighbours, as rows lane / 4 and lane / 4 + 8 of the warp's wgmma.
  INGOT_INLINE int quad() { return (int)threadIdx.x % kWarp / 4 % 4; }
  INGOT_INLINE int half() { return (int)threadIdx.x / kWarp % 2; }
  INGOT_INLINE int block() { return (int)threadIdx.x / (2 * kWarp) * 2 + (int)threadIdx.x % kWarp / 16; }
  INGOT_INLINE int channelOf(int upper) { return block() * kBlockChannels + quad() * 4 + half() * 2 + upper; }

  // Start of the group that holds unit `within` of a slot's stage, and of the unit's codes.
  INGOT_INLINE int groupAt(int slot, int within) {
    return slot * T::kWeightChunks + block() * T::kStageChunks + within / T::kParts * T::kGroupChunks;
  }
  INGOT_INLINE int codesAt(int slot, int within) {
    return groupAt(slot, within) + T::kHeaderChunks + within % T::kParts * T::kSteps * T::kStepChunks;
  }

  INGOT_INLINE Scales scalesAt(int slot, int within, Storage& storage) {
    Scales scales;
    auto& weights = storage.shared.ring.weights;
    int at = groupAt(slot, within), chunk = at + quad() / 2, word = quad() % 2 * 2 + half();
    if constexpr (T::kFloats) scales.channels = loadPart<TwoWords>(weights, at + quad(), half());
    else scales.channels = {{loadPart<unsigned>(weights, chunk, word), T::kHasMinima ? loadPart<unsigned>(weights, chunk + 2, word) : 0}};
    int firstPair = slot * T::kSlotPairs + within / T::kParts * T::kPairs + (int)threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < T::kRows / 8; ++i) scales.rows[i] = storage.shared.ring.pairs[firstPair + i * 4];
    return scales;
  }

  // A fragment of 32 columns. Since rows of x are stored in column order, a lane takes every other nibble of two words. For i4 the offset of 8 is
  // subtracted here, so that the sum of a row's codes is not needed.
  INGOT_INLINE void fragmentOf(int at, Storage& storage, unsigned (&a)[4]) {
    auto& weights = storage.shared.ring.weights;
    int t = threadIdx.x % 4, chunk = at + (T::kBytes ? t : t / 2) * 4 + quad();
    TwoWords first = loadPart<TwoWords>(weights, chunk, half()), second = loadPart<TwoWords>(weights, chunk + (T::kBytes ? 16 : 8), half());
    for (int i = 0; i < 4; ++i) {
      unsigned word = i < 2 ? first.at[i] : second.at[i - 2];
      if constexpr (T::kBytes) a[i] = linear::byteCodes<T::kFormat>(word);
      else a[i] = (word >> t % 2 * 4) & 0x0f0f0f0fu;
      if constexpr (T::kFormat == WeightFormat::i4) a[i] = (a[i] + 0x78787878u) ^ 0x80808080u;
    }
  }

  INGOT_INLINE Fragments fragmentsOf(int slot, int within, Storage& storage) {
    Fragments fragments;
#pragma unroll
    for (int i = 0; i < T::kSteps; ++i) fragmentOf(codesAt(slot, within) + i * T::kStepChunks, storage, fragments.at[i]);
    return fragments;
  }

  INGOT_INLINE void multiplyIntegers(const Fragments& fragments, int firstX, int first, Storage& storage, Dots& dots) {
    auto& x = storage.shared.ring.x;
    beginProducts();
    multiplyWideCodes<false, T::kRows>(dots, fragments.at[0], x, firstX, first);
#pragma unroll
    for (int i = 1; i < T::kSteps; ++i) multiplyWideCodes<true, T::kRows>(dots, fragments.at[i], x, firstX, first + i);
    commitProducts();
  }
  // Two steps fill a 128-byte line of f16.
  INGOT_INLINE void multiplyFloats(const Fragments& fragments, int firstX, int first, Storage& storage, Dots& dots) {
    auto& x = storage.shared.ring.x;
    unsigned a[2 * T::kSteps][4];
#pragma unroll
    for (int i = 0; i < 2 * T::kSteps; ++i)
      for (int word = 0; word < 4; ++word) a[i][word] = widenFloat8s(fragments.at[i / 2][word], i % 2);
    auto lineAt = [&](int i) -> int { return firstX + (first + i / 2) / 2 * T::kRowChunks; };
    auto unitOf = [&](int i) -> int { return (first + i / 2) % 2 * 2 + i % 2; };
    beginProducts();
    multiplyWideHalves<false, T::kRows>(dots, a[0], x, lineAt(0), unitOf(0));
#pragma unroll
    for (int i = 1; i < 2 * T::kSteps; ++i) multiplyWideHalves<true, T::kRows>(dots, a[i], x, lineAt(i), unitOf(i));
    commitProducts();
  }

  // Issues a unit's products.
  INGOT_INLINE void begin(const Fragments& fragments, int slot, int within, Storage& storage, Dots& dots) {
    int firstX = slot * T::kPanels * T::kRowChunks, first = within * T::kSteps;
    if constexpr (T::kFloats) multiplyFloats(fragments, firstX, first, storage, dots);
    else multiplyIntegers(fragments, firstX, first, storage, dots);
  }

  INGOT_INLINE float upperOrLower(unsigned halves, int upper) { return halfToFloat((unsigned short)(halves >> upper * 16)); }
  INGOT_INLINE float scaleOf(const Scales& scales, int upper) {
    return T::kFloats ? asFloat(scales.channels.at[upper]) : upperOrLower(scales.channels.at[0], upper);
  }
  INGOT_INLINE void add(const Scales& scales, const Dots& dots, Sums& sums) {
#pragma unroll
    for (int i = 0; i < T::kRows / 2; ++i) {
      const typename T::RowPair& rows = scales.rows[i / 4];
      T::Coding::addScaled(sums[i], dots[i], scaleOf(scales, i / 2 % 2), rows.scale[i % 2]);
      if constexpr (T::kHasMinima) T::Coding::addMinimum(sums[i], upperOrLower(scales.channels.at[1], i / 2 % 2), rows.minimumFactor[i % 2]);
    }
  }
};

}  // namespace wide_codes
