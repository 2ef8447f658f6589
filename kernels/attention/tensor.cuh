// Attention's products on tensor cores, for keys and values of 16 and 8 bits: these lie in the page as fragments, 16 bytes a lane for
// 16 tokens and 16 columns, or 32. Bytes become halves in registers, which is exact. Queries and weights are rounded to the type of
// the cache, for bytes to halves; sums are f32.
#pragma once

#include "kernels/attention/span.cuh"

namespace attention {

template <class C>
struct TensorCore {
  typedef typename CacheElement<C::kCache>::Type Type;
  static constexpr bool kBytes = elementBytes(C::kCache) == 1;
  // Steps of 16 columns: all, those that a load brings, and those whose queries are in registers. Shared memory has the others.
  static constexpr int kSteps = C::kHeadDim / 16, kAtOnce = fragmentsAtOnce(C::kCache, C::kHeadDim), kHeld = kSteps < 8 ? kSteps : 8;
  static constexpr int kRest = kSteps - kHeld;
  // Values over what their halves are.
  static constexpr float kWidened = C::kCache == CacheType::f8 ? 256.0f : 1.0f;
  // Of values, where they divide into such: more spill registers, fewer leave too few loads on their way.
  static constexpr int tilesAtOnce(int tiles) { return tiles % 4 == 0 ? 4 : 2; }
  // Of a page, as the first operand of a product: half of the registers that they take as scores.
  struct Weights {
    unsigned at[4];
  };
  // The second operand of two products for each step of a load.
  struct Fragments {
    unsigned at[kAtOnce][4];
  };
  struct alignas(kBytes ? 8 * kAtOnce : 16) Loaded {
    unsigned at[kBytes ? 2 * kAtOnce : 4];
  };
  typedef SharedArray<Words, kRest ? kRest * kCudaAttentionThreads : 1> Rest;
  unsigned query[kHeld][4];
  Rest* rest;  // a thread reads what it wrote

  INGOT_INLINE unsigned pack(float low, float high) {
    if constexpr (C::kCache == CacheType::bf16) return packBfloats(low, high);
    else return packHalves(low, high);
  }
  // Sums of 16 tokens, or columns: d[0] has the first eight.
  INGOT_INLINE void multiply(float (*d)[4], const Words& a, const unsigned (&b)[4]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      unsigned part[2] = {b[2 * half], b[2 * half + 1]};
      if constexpr (C::kCache == CacheType::bf16) multiplyBfloats(d[half], a.at, part);
      else multiplyHalves(d[half], a.at, part);
    }
  }
  // The lane's part of a head's fragments from `step` on.
  INGOT_INLINE Fragments fragmentsAt(const Type* head, int step) {
    Loaded loaded = ::load<Loaded>(head + step * 256 + threadIdx.x % kWarp * (8 * kAtOnce));
    Fragments fragments;
#pragma unroll
    for (int i = 0; i < 4 * kAtOnce; ++i) fragments.at[i / 4][i % 4] = kBytes ? widenPair<C::kCache>(loaded.at[i / 2] >> i % 2 * 8) : loaded.at[i];
    return fragments;
  }

  // Row r of the queries begins at q + r * stride; those behind the last row are zeros.
  INGOT_MEMBER void load(const float* q, long long stride, int rows, Rest& shared) {
    constexpr float kFactor = C::kSoftcap != 0 ? C::kScale : C::kScale * kLog2e;
    int lane = threadIdx.x % kWarp, row = lane / 4;
    rest = &shared;
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      Words words;
      for (int i = 0; i < 4; ++i) {
        int r = row + i % 2 * 8;
        TwoFloats v = r < rows ? ::load<TwoFloats>(q + r * stride + k * 16 + i / 2 * 8 + lane % 4 * 2) : TwoFloats{};
        words.at[i] = pack(v.at[0] * kFactor, v.at[1] * kFactor);
        if (k < kHeld) query[k][i] = words.at[i];
      }
      if (k >= kHeld) shared[(k - kHeld) * kCudaAttentionThreads + threadIdx.x] = words;
    }
  }
  INGOT_MEMBER Words queryOf(int k) const {
    if (k >= kHeld) return (*rest)[(k - kHeld) * kCudaAttentionThreads + threadIdx.x];
    return {query[k][0], query[k][1], query[k][2], query[k][3]};
  }

  INGOT_MEMBER void scoreStep(const Type* keys, const long long (&offsets)[kSpanPages], const bool (&seen)[kSpanPages], int k,
                              PageScores (&scores)[kSpanPages]) const {
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      if (!seen[p]) continue;
      Fragments b = fragmentsAt(keys + offsets[p], k);
#pragma unroll
      for (int s = 0; s < kAtOnce; ++s) multiply(scores[p], queryOf(k + s), b.at[s]);
    }
  }

  INGOT_MEMBER void score(const Type* keys, const long long (&offsets)[kSpanPages], const bool (&seen)[kSpanPages],
                          PageScores (&scores)[kSpanPages]) const {
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      for (int i = 0; i < 8; ++i) scores[p][i / 4][i % 4] = 0;
#pragma unroll
    for (int k = 0; k < kHeld; k += kAtOnce) scoreStep(keys, offsets, seen, k, scores);
    // Not all at once: loads on their way take registers too.
#pragma unroll 2
    for (int k = kHeld; k < kSteps; k += kAtOnce) scoreStep(keys, offsets, seen, k, scores);
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) scores[i / 8][i / 4 % 2][i % 4] *= kWidened;
  }

  INGOT_INLINE Weights weightsOf(const PageScores& scores) {
    Weights weights;
    for (int i = 0; i < 4; ++i) weights.at[i] = pack(scores[i / 2][i % 2 * 2] * kWidened, scores[i / 2][i % 2 * 2 + 1] * kWidened);
    return weights;
  }

  // Adds weights * values of a page. Tokens behind `last` have values that nobody wrote, and weights of zero: their halves may be no
  // numbers, and count as zeros; every byte is one.
  template <int Tiles>
  INGOT_MEMBER void addValues(const Weights& weights, const Type* values, int last, int firstTile, float (&output)[Tiles][4]) const {
    unsigned masks[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int token = half * 8 + threadIdx.x % 4 * 2;
      masks[half] = (token <= last ? 0xffffu : 0u) | (token < last ? 0xffff0000u : 0u);
    }
#pragma unroll
    for (int n = 0; n < Tiles; n += 2 * kAtOnce) {
      Fragments b = fragmentsAt(values, (firstTile + n) / 2);
#pragma unroll
      for (int s = 0; s < kAtOnce; ++s) {
        if constexpr (!kBytes)
          for (int i = 0; i < 4; ++i) b.at[s][i] &= masks[i % 2];
        multiply(output + n + 2 * s, {weights.at[0], weights.at[1], weights.at[2], weights.at[3]}, b.at[s]);
      }
    }
  }
};

}  // namespace attention
