// Splits packed q, k, v rows; normalises each q and k head (optional) and applies RoPE; appends k and v to the KV pages and writes q to rows of its
// own. Tile t is a token. Rotation pairs column i with i + kRotary / 2 (halves), as transformers does. Prelude: kLayers kHeads kKvHeads kHeadDim
// kRotary (0: none) kHeadNorm kEps kCache. Operands: qkv, [table], [q_norm, k_norm], keys, values, q. The table is [positions, kRotary / 2, 2]:
// cosine, sine.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/kvcache/element.h"

namespace rope_append {

typedef CacheElement<kCache> Element;
constexpr int kFirstNorm = 1 + (kRotary != 0);
constexpr int kKeys = kFirstNorm + 2 * kHeadNorm;

// Pairs (cosine, sine) of 16 neighbouring columns.
struct CosSin {
  F32x16 cosine, sine;
};
INGOT_INLINE CosSin cosSinAt(const float* pairs) {
  F32x16 a = load<F32x16>(pairs), b = load<F32x16>(pairs + kLanes);
  return {__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
          __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)};
}

INGOT_INLINE void rotate(const float* table, float* x) {
  constexpr int kHalf = kRotary / 2, kWhole = kHalf / kLanes * kLanes;
  for (int i = 0; i < kWhole; i += kLanes) {
    CosSin angle = cosSinAt(table + 2 * i);
    F32x16 a = load<F32x16>(x + i), b = load<F32x16>(x + i + kHalf);
    store(x + i, a * angle.cosine - b * angle.sine);
    store(x + i + kHalf, b * angle.cosine + a * angle.sine);
  }
  for (int i = kWhole; i < kHalf; ++i) {
    float cosine = table[2 * i], sine = table[2 * i + 1], a = x[i], b = x[i + kHalf];
    x[i] = a * cosine - b * sine;
    x[i + kHalf] = b * cosine + a * sine;
  }
}

// `out` = rotated, normalised `in`; both of kHeadDim elements.
INGOT_INLINE void prepareHead(const float* in, const float* norm, const float* table, float* out) {
  float factor = 1;
  if constexpr (kHeadNorm) {
    F32x16 sum = {};
    for (int d = 0; d < kHeadDim; d += kLanes) {
      F32x16 v = load<F32x16>(in + d);
      sum = fma(v, v, sum);
    }
    factor = 1.0f / __builtin_sqrtf(sumOfLanes(sum) / kHeadDim + kEps);
  }
  for (int d = 0; d < kHeadDim; d += kLanes) {
    F32x16 v = load<F32x16>(in + d);
    if constexpr (kHeadNorm) v = v * factor * load<F32x16>(norm + d);
    store(out + d, v);
  }
  if constexpr (kRotary != 0) rotate(table, out);
}

// Stores the scale of a head's codes after them, and returns the factor from values to codes: one if the cache has no codes.
INGOT_INLINE float inverseStep(const float* values, Element::Type* head, int slot) {
  if constexpr (kCache != CacheType::i8) return 1.0f;
  F32x16 largest = {};
  for (int d = 0; d < kHeadDim; d += kLanes) largest = maximum(largest, absolute(load<F32x16>(values + d)));
  CodeScale scale = codeScaleOf(maxOfLanes(largest));
  scalesOf<kHeadDim>(head)[slot] = scale.scale;
  return scale.inverse;
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last) {
  const IngotBatch* batch = args->batch;
  void* const* operands = args->operands;
  constexpr int kRow = (kHeads + 2 * kKvHeads) * kHeadDim;
  for (long long t = first; t < last; ++t) {
    const float* row = (const float*)operands[0] + t * kRow;
    int position = batch->positions[t];
    const float* table = kRotary ? (const float*)operands[1] + (long long)position * kRotary : nullptr;
    const float* qNorm = kHeadNorm ? (const float*)operands[kFirstNorm] : nullptr;
    const float* kNorm = kHeadNorm ? (const float*)operands[kFirstNorm + 1] : nullptr;
    float* q = (float*)operands[kKeys + 2] + t * (kHeads * kHeadDim);
    for (int h = 0; h < kHeads; ++h) prepareHead(row + h * kHeadDim, qNorm, table, q + h * kHeadDim);

    long long page = batch->page_table[(long long)batch->sequence_of[t] * batch->max_pages + position / kPageTokens];
    int slot = position % kPageTokens;
    for (int h = 0; h < kKvHeads; ++h) {
      float key[kHeadDim];
      prepareHead(row + (kHeads + h) * kHeadDim, kNorm, table, key);
      const float* value = row + (kHeads + kKvHeads + h) * kHeadDim;
      long long offset = headOffset(kCache, page, kLayers, h, kKvHeads, kHeadDim);
      Element::Type* keys = (Element::Type*)operands[kKeys] + offset;
      Element::Type* values = (Element::Type*)operands[kKeys + 1] + offset;
      float ofKeys = inverseStep(key, keys, slot), ofValues = inverseStep(value, values, slot);
      for (int d = 0; d < kHeadDim; ++d) keys[d * kPageTokens + slot] = Element::narrow(key[d] * ofKeys);
      for (int d = 0; d < kHeadDim; d += kLanes) Element::store16(values + slot * kHeadDim + d, load<F32x16>(value + d) * ofValues);
    }
  }
}

}  // namespace rope_append
