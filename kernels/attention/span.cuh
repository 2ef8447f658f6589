// The softmax of 16 rows over one span of kSpanTokens tokens, by one warp, in the registers of a tensor core's product: lane l has of
// every 8 columns two neighbours, 2 (l % 4) ..., of the rows l / 4 and l / 4 + 8. Products are the Core's (tensor.cuh, scalar.cuh).
// A row sees what its own position lets it see; what is masked adds zeros. So its bits do not depend on the rows beside it.
// Keys and values that are codes have a step a token: it multiplies the key's score, and the value's weight.
#pragma once

#include "kernels/attention/attention.spec.h"
#include "kernels/kvcache/element.cuh"
#include "kernels/prim/math.cuh"

namespace attention {

constexpr int kSpanPages = kSpanTokens / kPageTokens;
constexpr float kLog2e = 1.44269504088896341f;

// Weighted sums of values over some tokens, relative to the largest score: of 8 * Tiles columns.
template <int Tiles>
struct Sums {
  float output[Tiles][4];
  float largest[2], total[2];

  INGOT_MEMBER void clear() {
#pragma unroll
    for (int n = 0; n < Tiles; ++n)
      for (int i = 0; i < 4; ++i) output[n][i] = 0;
    for (int r = 0; r < 2; ++r) largest[r] = -infinity(), total[r] = 0;
  }
};

// Factors that bring two partial softmaxes to their common largest score. The order of tokens is that of the calls, everywhere.
struct Factors {
  float largest, before, after;
};
INGOT_INLINE Factors factorsOf(float before, float after) {
  float largest = after > before ? after : before, shift = largest == -infinity() ? 0.0f : largest;
  return {largest, power2(before - shift), power2(after - shift)};
}
INGOT_INLINE float fold(float before, float after, const Factors& f) { return fma(after, f.after, before * f.before); }

// Where the lane's two rows stand in their sequence, and what any row of the warp can see: tokens [first, last].
struct Sight {
  int positions[2], first, last;
};

// Scores of the span's pages, in fragments of 16 tokens.
typedef float PageScores[2][4];

template <class C>
struct Span {
  INGOT_INLINE int firstSeen(int position) { return C::kWindow && position >= C::kWindow ? position - (int)C::kWindow + 1 : 0; }

  // In powers of two. `start` is the first token of the page.
  INGOT_INLINE float scoreOf(float score, int token, int position) {
    if constexpr (C::kSoftcap != 0) score = softcap(score, C::kSoftcap) * kLog2e;
    return token > position || token < firstSeen(position) ? -infinity() : score;
  }

  // Scores become weights in place; largest scores and totals are folded in.
  template <int Tiles>
  INGOT_INLINE void weigh(PageScores (&scores)[kSpanPages], int start, const Sight& sight, Sums<Tiles>& sums, Factors (&factors)[2]) {
    int column = 2 * (threadIdx.x % 4);
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float largest = -infinity(), totals[2] = {};  // of even and of odd tokens
#pragma unroll
      for (int i = 0; i < kSpanPages * 4; ++i) {
        float& score = scores[i / 4][i / 2 % 2][2 * r + i % 2];
        score = scoreOf(score, start + i / 2 * 8 + column + i % 2, sight.positions[r]);
        largest = score > largest ? score : largest;
      }
      largest = warpMaximum<4>(largest);
      float shift = largest == -infinity() ? 0.0f : largest;
#pragma unroll
      for (int i = 0; i < kSpanPages * 4; ++i) {
        float& score = scores[i / 4][i / 2 % 2][2 * r + i % 2];
        score = power2(score - shift);
        totals[i % 2] += score;
      }
      factors[r] = factorsOf(sums.largest[r], largest);
      sums.largest[r] = factors[r].largest;
      sums.total[r] = fold(sums.total[r], warpSum<4>(totals[0] + totals[1]), factors[r]);
    }
  }

  // Scores, or weights, of a page's tokens times their steps, which stand behind a head's elements. Zeros stay zeros: nobody wrote the
  // steps of tokens that no row sees.
  template <class Type>
  INGOT_INLINE void multiplyBySteps(PageScores& scores, const Type* head) {
    const float* steps = stepsOf<C::kHeadDim>(head) + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      TwoFloats pair = load<TwoFloats>(steps + half * 8);
      for (int i = 0; i < 4; ++i) scores[half][i] = scores[half][i] == 0 ? 0.0f : scores[half][i] * pair.at[i % 2];
    }
  }

  // A row's weights may be rounded to halves, which have few bits below 2^-14: the largest becomes about one, and the power of two that
  // this takes is made good where the sums of values are folded in.
  INGOT_INLINE void normalize(PageScores (&weights)[kSpanPages], Factors (&factors)[2]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float largest = 0;
#pragma unroll
      for (int i = 0; i < kSpanPages * 4; ++i) {
        float weight = weights[i / 4][i / 2 % 2][2 * r + i % 2];
        largest = weight > largest ? weight : largest;
      }
      unsigned exponent = asBits(warpMaximum<4>(largest)) & 0x7f800000u;
#pragma unroll
      for (int i = 0; i < kSpanPages * 4; ++i) weights[i / 4][i / 2 % 2][2 * r + i % 2] *= asFloat(0x7f000000u - exponent);
      factors[r].after *= asFloat(exponent);
    }
  }

  // Folds in columns [8 * firstTile, 8 * (firstTile + Tiles)) of the span that begins with token `start`, which some row sees: a few
  // tiles after the other, so that registers hold one set of sums.
  template <int Tiles, class Core>
  INGOT_INLINE void add(const Core& core, int start, const Sight& sight, const ingot_i32* pages, int kvHead, void* const* operands, int firstTile,
                        Sums<Tiles>& sums) {
    typedef typename Core::Type Type;
    constexpr bool kCodes = C::kCache == CacheType::i8;
    const Type *keys = (const Type*)operands[1], *values = (const Type*)operands[2];
    PageScores scores[kSpanPages];
    long long offsets[kSpanPages];
    bool seen[kSpanPages];
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      int token = start + p * kPageTokens;
      seen[p] = token <= sight.last && token + kPageTokens > sight.first;
      offsets[p] = seen[p] ? headOffset(C::kCache, pages[token / kPageTokens], C::kLayers, kvHead, C::kKvHeads, C::kHeadDim) : 0;
    }
    core.score(keys, offsets, seen, scores);
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      if (kCodes && seen[p]) multiplyBySteps(scores[p], keys + offsets[p]);
    Factors factors[2];
    weigh(scores, start, sight, sums, factors);
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      if (kCodes && seen[p]) multiplyBySteps(scores[p], values + offsets[p]);
    if constexpr (kCodes) normalize(scores, factors);
    typename Core::Weights weights[kSpanPages];
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) weights[p] = Core::weightsOf(scores[p]);
    constexpr int kAtOnce = Core::tilesAtOnce(Tiles);
#pragma unroll
    for (int n = 0; n < Tiles; n += kAtOnce) {
      float output[kAtOnce][4] = {};
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p)
        if (seen[p]) core.addValues(weights[p], values + offsets[p], sight.last - start - p * kPageTokens, firstTile + n, output);
#pragma unroll
      for (int i = 0; i < 4 * kAtOnce; ++i) {
        float& sum = sums.output[n + i / 4][i % 4];
        sum = fold(sum, output[i / 4][i % 4], factors[i % 4 / 2]);
      }
    }
  }
};

}  // namespace attention
