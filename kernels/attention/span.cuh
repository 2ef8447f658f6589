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

// Of the lane's rows over some tokens: largest scores, and totals of the weights relative to them.
struct alignas(16) SoftmaxState {
  float largest[2], total[2];
};
INGOT_INLINE SoftmaxState emptySoftmax() { return {{-infinity(), -infinity()}, {}}; }
// With them the weighted sums of values, of 8 * Tiles columns.
template <int Tiles>
struct Sums : SoftmaxState {
  float output[Tiles][4];

  INGOT_MEMBER void clear() {
    (SoftmaxState&)* this = emptySoftmax();
#pragma unroll
    for (int n = 0; n < Tiles; ++n)
      for (int i = 0; i < 4; ++i) output[n][i] = 0;
  }
};

// Factors that bring two partial softmaxes to their common largest score. The order of tokens is that of the calls, everywhere.
struct Rescale {
  float largest, before, after;
};
INGOT_INLINE Rescale rescaleOf(float before, float after) {
  float largest = after > before ? after : before, shift = largest == -infinity() ? 0.0f : largest;
  return {largest, power2(before - shift), power2(after - shift)};
}
INGOT_INLINE float fold(float before, float after, const Rescale& f) { return fma(after, f.after, before * f.before); }

// Where the warp's rows stand in their sequence: from `lowest` on, one behind the other; those behind `last` are like it. `slope`
// is what their head's scores gain with every token that a key stands further on, in powers of two.
struct QueryRange {
  int lowest, last;
  float slope;

  // Of the lane's row r.
  INGOT_MEMBER int positionOf(int r) const {
    int position = lowest + (int)(threadIdx.x % kWarp / 4) + 8 * r;
    return position < last ? position : last;
  }
};

// Scores of the span's pages, in fragments of 16 tokens.
typedef float PageScores[2][4];

template <class C>
struct Span {
  INGOT_INLINE int firstSeen(int position) { return C::kWindow && position >= C::kWindow ? position - (int)C::kWindow + 1 : 0; }

  // Of a query head's linear bias, in powers of two a token.
  INGOT_INLINE float slopeOf(int head) {
    if constexpr (C::kAlibi) return C::kSlopes[head] * kLog2e;
    return 0;
  }
  // In powers of two; `distance` leads from the row to the key.
  INGOT_INLINE float powerOf(float score, float slope, float distance) {
    if constexpr (C::kSoftcap != 0) score = softcap(score, C::kSoftcap) * kLog2e;
    if constexpr (C::kAlibi) score = fma(slope, distance, score);
    return score;
  }
  INGOT_INLINE bool isMasked(int token, int position) { return token > position || token < firstSeen(position); }

  // Whether every row sees every token of the span.
  INGOT_INLINE bool isOpen(int start, const QueryRange& range) { return start + kSpanTokens - 1 <= range.lowest && start >= firstSeen(range.last); }

  // Scores become powers of two.
  INGOT_INLINE void toPowers(PageScores (&scores)[kSpanPages], int start, const QueryRange& range) {
    float first[2];
    for (int r = 0; r < 2; ++r) first[r] = (float)(start + 2 * (int)(threadIdx.x % 4) - range.positionOf(r));
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) {
      float& score = scores[i / 8][i / 4 % 2][i % 4];
      score = powerOf(score, range.slope, first[i % 4 / 2] + (float)(i / 4 * 8 + i % 2));
    }
  }

  // Scores of what a row does not see become minus infinity.
  INGOT_INLINE void mask(PageScores (&scores)[kSpanPages], int start, const QueryRange& range) {
    int token = start + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) {
      float& score = scores[i / 8][i / 4 % 2][i % 4];
      score = isMasked(token + i / 4 * 8 + i % 2, range.positionOf(i % 4 / 2)) ? -infinity() : score;
    }
  }

  // Scores become weights in place; largest scores and totals are folded in.
  INGOT_INLINE void updateSoftmax(PageScores (&scores)[kSpanPages], SoftmaxState& softmax, Rescale (&rescale)[2]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float most[2] = {-infinity(), -infinity()}, totals[2] = {};  // of even and of odd tokens
#pragma unroll
      for (int i = 0; i < kSpanPages * 4; ++i) most[i % 2] = maximum(most[i % 2], scores[i / 4][i / 2 % 2][2 * r + i % 2]);
      float largest = warpMaximum<4>(maximum(most[0], most[1]));
      float shift = largest == -infinity() ? 0.0f : largest;
#pragma unroll
      for (int i = 0; i < kSpanPages * 4; ++i) {
        float& score = scores[i / 4][i / 2 % 2][2 * r + i % 2];
        score = power2(score - shift);
        totals[i % 2] += score;
      }
      rescale[r] = rescaleOf(softmax.largest[r], largest);
      softmax.largest[r] = rescale[r].largest;
      softmax.total[r] = fold(softmax.total[r], warpSum<4>(totals[0] + totals[1]), rescale[r]);
    }
  }

  // Scores, or weights, of a page's tokens times their steps, which stand behind a head's elements. Zeros stay zeros: nobody wrote the
  // steps of tokens that no row sees.
  template <class Type>
  INGOT_INLINE void multiplyByScales(PageScores& scores, const Type* head) {
    const float* scales = scalesOf<C::kHeadDim>(head) + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      TwoFloats pair = load<TwoFloats>(scales + half * 8);
      for (int i = 0; i < 4; ++i) scores[half][i] = scores[half][i] == 0 ? 0.0f : scores[half][i] * pair.at[i % 2];
    }
  }

  // A row's weights may be rounded to halves, which have few bits below 2^-14: the largest becomes about one, and the power of two that
  // this takes is made good where the sums of values are folded in.
  INGOT_INLINE void normalize(PageScores (&weights)[kSpanPages], Rescale (&rescale)[2]) {
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
      rescale[r].after *= asFloat(exponent);
    }
  }

  // Whether some row sees a token of page p of the span.
  INGOT_INLINE bool isSeen(int start, int p, const QueryRange& range) {
    int token = start + p * kPageTokens;
    return token <= range.last && token + kPageTokens > firstSeen(range.lowest);
  }
  // Elements from a layer's keys, or values, to those of the page in which `token` is.
  INGOT_INLINE long long offsetOf(const ingot_i32* pages, int token, int kvHead) {
    return headOffset(C::kCache, pages[token / kPageTokens], C::kLayers, kvHead, C::kKvHeads, C::kHeadDim);
  }

  // Scores of a span that some row sees become the weights of its values; factors fold in the values' sums.
  template <class Type>
  INGOT_INLINE void softmaxSpan(PageScores (&scores)[kSpanPages], int start, const QueryRange& range, const ingot_i32* pages, int kvHead,
                                void* const* operands, SoftmaxState& softmax, Rescale (&rescale)[2]) {
    auto scale = [&](const void* heads) {
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p)
        if (isSeen(start, p, range)) multiplyByScales(scores[p], (const Type*)heads + offsetOf(pages, start + p * kPageTokens, kvHead));
    };
    if constexpr (C::kCache == CacheType::i8) scale(operands[1]);
    toPowers(scores, start, range);
    if (!isOpen(start, range)) mask(scores, start, range);
    updateSoftmax(scores, softmax, rescale);
    if constexpr (C::kCache == CacheType::i8) scale(operands[2]);
    if constexpr (C::kCache == CacheType::i8) normalize(scores, rescale);
  }
};

}  // namespace attention
