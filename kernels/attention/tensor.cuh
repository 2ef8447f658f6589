// Attention's products with mma.sync, for caches with elements of 16 and 8 bits. Pages store fragments (kvcache/layout.h): one 16-byte load per
// lane brings 16 tokens by 16 columns, or 32 columns of bytes, which are widened to f16 exactly. Queries and weights are rounded to the cache's
// type, for bytes to f16; accumulators are f32.
#pragma once

#include "kernels/attention/span.cuh"

namespace attention {

template <class C>
struct TensorCore {
  typedef typename CacheElement<C::kCache>::Type Type;
  static constexpr bool kBytes = elementBytes(C::kCache) == 1;
  // Steps of 16 columns along the head dimension: all; those of one load; those whose query fragments stay in registers. The others are in shared
  // memory.
  static constexpr int kSteps = C::kHeadDim / 16, kLoadSteps = fragmentsPerLoad(C::kCache, C::kHeadDim), kHeld = kSteps < 7 ? kSteps : 7;
  static constexpr int kSpilled = kSteps - kHeld;
  static constexpr int kPieceWords = kLoadSteps * 16 * (int)sizeof(Type);  // 16-byte words that one load of a warp brings
  // Value of an e4m3 element relative to its f16 representation.
  static constexpr float kWidened = C::kCache == CacheType::f8 ? 256.0f : 1.0f;
  // Column tiles of values at a time. More spill registers; fewer leave too few loads in flight.
  static constexpr int tilesAtOnce(int tiles) { return tiles % 4 == 0 ? 4 : 2; }
  // Weights of a page as the A fragment of an mma: half the registers of the scores.
  struct Weights {
    unsigned at[4];
  };
  // B fragments of two mma for each step of a load.
  struct Fragments {
    unsigned at[kLoadSteps][4];
  };
  struct alignas(kBytes ? 8 * kLoadSteps : 16) Loaded {
    unsigned at[kBytes ? 2 * kLoadSteps : 4];
  };
  typedef SharedArray<Words, kSpilled ? kSpilled * kCudaAttentionThreads : 1> SpilledQueries;
  unsigned query[kHeld][4];
  SpilledQueries* spilled;  // per thread: each reads only what it wrote itself

  INGOT_INLINE unsigned pack(float low, float high) {
    if constexpr (C::kCache == CacheType::bf16) return packBfloats(low, high);
    else return packHalves(low, high);
  }
  // Accumulates both mma.n8 of 16 tokens, or columns: d[0] has the first eight.
  INGOT_INLINE void multiply(float (*d)[4], const Words& a, const unsigned (&b)[4]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      unsigned part[2] = {b[2 * half], b[2 * half + 1]};
      if constexpr (C::kCache == CacheType::bf16) multiplyBfloats(d[half], a.at, part);
      else multiplyHalves(d[half], a.at, part);
    }
  }
  INGOT_INLINE Fragments fragmentsOf(const Loaded& loaded) {
    Fragments fragments;
#pragma unroll
    for (int i = 0; i < 4 * kLoadSteps; ++i) fragments.at[i / 4][i % 4] = kBytes ? widenPair<C::kCache>(loaded.at[i / 2] >> i % 2 * 8) : loaded.at[i];
    return fragments;
  }
  // The lane's part of a head's fragments from `step` on.
  INGOT_INLINE Fragments fragmentsAt(const Type* head, int step) {
    return fragmentsOf(::load<Loaded>(head + step * 256 + threadIdx.x % kWarp * (8 * kLoadSteps)));
  }
  // The same from a piece in shared memory.
  template <class Words>
  INGOT_INLINE Fragments fragmentsIn(Words& words, int first) {
    int lane = threadIdx.x % kWarp;
    ::Words word = words[first + (kPieceWords == kWarp ? lane : lane / 2)];
    Loaded loaded;
    constexpr int kEach = (int)(sizeof(Loaded) / 4);
#pragma unroll
    for (int i = 0; i < kEach; ++i) loaded.at[i] = kEach == 4 || lane % 2 == 0 ? word.at[i] : word.at[2 + i % 2];
    return fragmentsOf(loaded);
  }

  // A fragment of step k of the queries. Row r starts at q + r * stride; rows past the last are zeros.
  INGOT_INLINE Words queryAt(const float* q, long long stride, int rows, int k) {
    constexpr float kFactor = C::kSoftcap != 0 ? C::kScale : C::kScale * kLog2e;
    Words words;
    for (int i = 0; i < 4; ++i) {
      int lane = threadIdx.x % kWarp, r = lane / 4 + i % 2 * 8;
      TwoFloats v = r < rows ? ::load<TwoFloats>(q + r * stride + k * 16 + i / 2 * 8 + lane % 4 * 2) : TwoFloats{};
      words.at[i] = pack(v.at[0] * kFactor, v.at[1] * kFactor);
    }
    return words;
  }
  INGOT_MEMBER void load(const float* q, long long stride, int rows, SpilledQueries& shared) {
    spilled = &shared;
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      Words words = queryAt(q, stride, rows, k);
      for (int i = 0; i < 4; ++i)
        if (k < kHeld) query[k][i] = words.at[i];
      if (k >= kHeld) shared[(k - kHeld) * kCudaAttentionThreads + threadIdx.x] = words;
    }
  }
  INGOT_MEMBER Words queryOf(int k) const {
    if (k >= kHeld) return (*spilled)[(k - kHeld) * kCudaAttentionThreads + threadIdx.x];
    return {query[k][0], query[k][1], query[k][2], query[k][3]};
  }

  // Accumulates Q*K of a page for the steps from `step` on, whose keys are the piece at `first`.
  template <class Words>
  INGOT_MEMBER void scorePiece(Words& words, int first, int step, PageScores& scores) const {
    Fragments b = fragmentsIn(words, first);
#pragma unroll
    for (int s = 0; s < kLoadSteps; ++s) multiply(scores, queryOf(step + s), b.at[s]);
  }

  INGOT_INLINE Weights weightsOf(const PageScores& scores) {
    Weights weights;
    for (int i = 0; i < 4; ++i) weights.at[i] = pack(scores[i / 2][i % 2 * 2] * kWidened, scores[i / 2][i % 2 * 2 + 1] * kWidened);
    return weights;
  }

  // Accumulates P*V of a page for 16 columns, or 32, whose values are the piece at `first`. Tokens after `last` have weights of zero but
  // uninitialised values; 16-bit ones are masked, since they may be NaN. Every byte is a finite code.
  template <bool SomeBehind, class Words>
  INGOT_INLINE void addPiece(const Weights& weights, Words& words, int first, int last, float (*output)[4]) {
    Fragments b = fragmentsIn(words, first);
    if constexpr (SomeBehind && !kBytes) {
      int token = threadIdx.x % 4 * 2;
#pragma unroll
      for (int i = 0; i < 4 * kLoadSteps; ++i) {
        int position = token + i % 2 * 8;
        b.at[i / 4][i % 4] &= (position <= last ? 0xffffu : 0u) | (position < last ? 0xffff0000u : 0u);
      }
    }
#pragma unroll
    for (int s = 0; s < kLoadSteps; ++s) multiply(output + 2 * s, {weights.at[0], weights.at[1], weights.at[2], weights.at[3]}, b.at[s]);
  }
};

}  // namespace attention
