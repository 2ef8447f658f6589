// Online softmax of 16 query rows over one span of kSpanTokens tokens, by one warp, in the accumulator layout of mma.m16n8: of every 8 columns
// lane l holds 2 (l % 4) and the next one, of the rows l / 4 and l / 4 + 8. Products come from a Core (tensor.cuh, scalar.cuh). Masked scores
// become weights of zero, so the bits of a row do not depend on the other rows. An int8 cache has one scale per token and head: that of a key
// multiplies its score, that of a value its weight.
#pragma once

#include "kernels/attention/attention.spec.h"
#include "kernels/kvcache/element.cuh"
#include "kernels/prim/math.cuh"

namespace attention {

constexpr int kSpanPages = kSpanTokens / kPageTokens;

// Softmax state of the lane's two rows: running maximum, and sum of the weights relative to it.
struct alignas(16) SoftmaxState {
  float largest[2], total[2];
};
INGOT_INLINE SoftmaxState emptySoftmax() { return {{-infinity(), -infinity()}, {}}; }
// The state with the weighted sums of values, over 8 * Tiles columns.
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

// Factors that rescale two partial softmaxes to their common maximum. Merges always run in token order.
struct Rescale {
  float largest, before, after;
};
INGOT_INLINE Rescale rescaleOf(float before, float after) {
  float largest = after > before ? after : before, shift = largest == -infinity() ? 0.0f : largest;
  return {largest, power2(before - shift), power2(after - shift)};
}
INGOT_INLINE float fold(float before, float after, const Rescale& f) { return fma(after, f.after, before * f.before); }

// Positions of the warp's query rows: `lowest`, `lowest` + 1, ...; rows past `last` repeat it. `slope` is the ALiBi slope of their head, in log2
// units.
struct QueryRange {
  int lowest, last;
  float slope;

  // Position of the lane's row r.
  INGOT_MEMBER int positionOf(int r) const {
    int position = lowest + (int)(threadIdx.x % kWarp / 4) + 8 * r;
    return position < last ? position : last;
  }
};

// Keys and values of one KV head of a sequence.
struct KvView {
  const ingot_i32* pages;  // of the sequence
  int kvHead;
  void* const* operands;  // 1: keys, 2: values
};

// Scores of one page (16 tokens) as two accumulator fragments.
typedef float PageScores[2][4];

template <class C>
struct Span {
  INGOT_INLINE int firstSeen(int position) { return C::kWindow && position >= C::kWindow ? position - (int)C::kWindow + 1 : 0; }

  // ALiBi slope of a query head in log2 units per token.
  INGOT_INLINE float slopeOf(int head) {
    if constexpr (C::kAlibi) return C::kSlopes[head] * kLog2e;
    return 0;
  }
  // Score in log2 units; `distance` is the key's position minus the row's.
  INGOT_INLINE float powerOf(float score, float slope, float distance) {
    if constexpr (C::kSoftcap != 0) score = softcap(score, C::kSoftcap) * kLog2e;
    if constexpr (C::kAlibi) score = fma(slope, distance, score);
    return score;
  }
  INGOT_INLINE bool isMasked(int token, int position) { return token > position || token < firstSeen(position); }

  // Whether every row sees every token of the span, so that no mask is needed.
  INGOT_INLINE bool isOpen(int start, const QueryRange& range) { return start + kSpanTokens - 1 <= range.lowest && start >= firstSeen(range.last); }

  // Converts scores to log2 units.
  INGOT_INLINE void toPowers(PageScores (&scores)[kSpanPages], int start, const QueryRange& range) {
    float first[2];
    for (int r = 0; r < 2; ++r) first[r] = (float)(start + 2 * (int)(threadIdx.x % 4) - range.positionOf(r));
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) {
      float& score = scores[i / 8][i / 4 % 2][i % 4];
      score = powerOf(score, range.slope, first[i % 4 / 2] + (float)(i / 4 * 8 + i % 2));
    }
  }

  // Sets the scores of masked tokens to minus infinity.
  INGOT_INLINE void mask(PageScores (&scores)[kSpanPages], int start, const QueryRange& range) {
    int token = start + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) {
      float& score = scores[i / 8][i / 4 % 2][i % 4];
      score = isMasked(token + i / 4 * 8 + i % 2, range.positionOf(i % 4 / 2)) ? -infinity() : score;
    }
  }

  // Replaces scores by weights and merges the span's maximum and sum into the state.
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

  // Multiplies the scores, or weights, of a page by the scales of its tokens, which follow the head's elements. Zeros stay zeros: the scales of
  // unseen tokens are uninitialised.
  template <class Type>
  INGOT_INLINE void multiplyByScales(PageScores& scores, const Type* head) {
    const float* scales = scalesOf<C::kHeadDim>(head) + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      TwoFloats pair = load<TwoFloats>(scales + half * 8);
      for (int i = 0; i < 4; ++i) scores[half][i] = scores[half][i] == 0 ? 0.0f : scores[half][i] * pair.at[i % 2];
    }
  }

  // Weights are rounded to f16, which loses precision below 2^-14. Scales each row by a power of two so that its largest weight is about one;
  // `after` of the rescale factors takes the inverse.
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
  // Offset from a layer's keys, or values, to the head's in the page that holds `token`.
  INGOT_INLINE long long offsetOf(const KvView& view, int token) {
    return headOffset(C::kCache, view.pages[token / kPageTokens], C::kLayers, view.kvHead, C::kKvHeads, C::kHeadDim);
  }

  // Replaces the scores of a span by the weights for its values; `rescale` receives the factors for the sums of values. Some row sees a token of
  // the span.
  template <class Type>
  INGOT_INLINE void softmaxSpan(PageScores (&scores)[kSpanPages], int start, const QueryRange& range, const KvView& view, SoftmaxState& softmax,
                                Rescale (&rescale)[2]) {
    auto scale = [&](const void* heads) {
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p)
        if (isSeen(start, p, range)) multiplyByScales(scores[p], (const Type*)heads + offsetOf(view, start + p * kPageTokens));
    };
    if constexpr (C::kCache == CacheType::i8) scale(view.operands[1]);
    toPowers(scores, start, range);
    if (!isOpen(start, range)) mask(scores, start, range);
    updateSoftmax(scores, softmax, rescale);
    if constexpr (C::kCache == CacheType::i8) scale(view.operands[2]);
    if constexpr (C::kCache == CacheType::i8) normalize(scores, rescale);
  }
};

}  // namespace attention
