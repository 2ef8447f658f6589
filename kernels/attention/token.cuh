// Online softmax of one token over one span, by one warp. Products are transposed against span.cuh: rows are tokens (then columns of values),
// columns are the query heads that share a KV head. Of every 8 rows lane l holds l / 4, of the heads 2 (l % 4) and the next one. Results are
// bit-identical to those of span.cuh: the same products in the same order, and sums by the same tree.
#pragma once

#include "kernels/attention/span.cuh"

namespace attention {

// Element i of a page's scores is token l / 4 + 8 (i / 2) and the lane's head i % 2; of 16 columns of the output likewise.
template <class C>
struct TokenSums {
  float output[C::kHeadDim / 16][4];
  float largest[2], total[2];
};
typedef float TokenScores[kSpanPages][4];

// Reductions over the lanes that hold the same heads.
INGOT_INLINE float maximumOfTokens(float x) {
  for (int distance = 4; distance < kWarp; distance *= 2) {
    float other = __shfl_xor_sync(kFullWarp, x, distance);
    x = other > x ? other : x;
  }
  return x;
}
// The tree of span.cuh: neighbouring tokens first, then those four apart, then two.
INGOT_INLINE float sumOfTokens(float x) {
  x += __shfl_xor_sync(kFullWarp, x, 4);
  x += __shfl_xor_sync(kFullWarp, x, 16);
  return x + __shfl_xor_sync(kFullWarp, x, 8);
}

// Pages of a span for a token at `position` that sees tokens from `first` on. Pages out of range are clamped to the nearest one in range, so that
// loads need no predicate; their weights are zero.
template <class C>
struct TokenSpan {
  int start, first, position;
  int pages[kSpanPages];          // indices into the sequence's page table
  long long offsets[kSpanPages];  // of the head's keys, or values, in the cache
  float slopes[2];                // ALiBi, of the lane's heads

  // For query heads from `head` on, whose KV head is kvHead.
  INGOT_MEMBER TokenSpan(int start, int first, int position, const ingot_i32* table, int head, int kvHead)
      : start(start), first(first), position(position) {
    for (int c = 0; c < 2; ++c) {
      int one = head + (int)threadIdx.x % 4 * 2 + c;
      slopes[c] = Span<C>::slopeOf(one < C::kHeads ? one : C::kHeads - 1);
    }
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      int page = start / kPageTokens + p, least = first / kPageTokens, most = position / kPageTokens;
      pages[p] = page < least ? least : page > most ? most : page;
      offsets[p] = headOffset(C::kCache, table[pages[p]], C::kLayers, kvHead, C::kKvHeads, C::kHeadDim);
    }
  }
  INGOT_MEMBER bool isSeen(int p) const { return pages[p] == start / kPageTokens + p; }
  // Index within page p of the last token that is seen.
  INGOT_MEMBER int lastOf(int p) const { return position - pages[p] * kPageTokens; }

  template <class Type>
  INGOT_MEMBER void prefetch(const Type* head) const {
    constexpr int kLines = headElements(C::kCache, C::kHeadDim) * (int)sizeof(Type) / 128;
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      for (int i = threadIdx.x % kWarp; i < kLines; i += kWarp) prefetchLine((const char*)(head + offsets[p]) + i * 128);
  }

  // Replaces scores by weights.
  INGOT_MEMBER void softmax(TokenScores& scores, TokenSums<C>& sums, Rescale (&rescale)[2]) const {
    int token = start + threadIdx.x % kWarp / 4;
    float distance = (float)(token - position);
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      float largest = -infinity(), total = 0;
#pragma unroll
      for (int i = 0; i < kSpanPages * 2; ++i) {
        float& score = scores[i / 2][i % 2 * 2 + c];
        score = Span<C>::isMasked(token + i * 8, position) ? -infinity() : Span<C>::powerOf(score, slopes[c], distance + (float)(i * 8));
        largest = score > largest ? score : largest;
      }
      largest = maximumOfTokens(largest);
      float shift = largest == -infinity() ? 0.0f : largest;
#pragma unroll
      for (int i = 0; i < kSpanPages * 2; ++i) {
        float& score = scores[i / 2][i % 2 * 2 + c];
        score = power2(score - shift);
        total += score;
      }
      rescale[c] = rescaleOf(-infinity(), largest);
      sums.largest[c] = rescale[c].largest;
      sums.total[c] = fold(0.0f, sumOfTokens(total), rescale[c]);
    }
  }

  // Span::multiplyByScales and Span::normalize for this register layout.
  template <class Type>
  INGOT_MEMBER void multiplyByScales(TokenScores& scores, const Type* head) const {
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      const float* scales = scalesOf<C::kHeadDim>(head + offsets[p]) + threadIdx.x % kWarp / 4;
      for (int i = 0; i < 4; ++i) scores[p][i] = scores[p][i] == 0 ? 0.0f : scores[p][i] * scales[i / 2 * 8];
    }
  }
  INGOT_INLINE void normalize(TokenScores& weights, Rescale (&rescale)[2]) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      float largest = 0;
#pragma unroll
      for (int i = 0; i < kSpanPages * 2; ++i) {
        float weight = weights[i / 2][i % 2 * 2 + c];
        largest = weight > largest ? weight : largest;
      }
      unsigned exponent = asBits(maximumOfTokens(largest)) & 0x7f800000u;
#pragma unroll
      for (int i = 0; i < kSpanPages * 2; ++i) weights[i / 2][i % 2 * 2 + c] *= asFloat(0x7f000000u - exponent);
      rescale[c].after *= asFloat(exponent);
    }
  }

  // Sums of this span alone.
  template <class Core>
  INGOT_MEMBER void add(const Core& core, void* const* operands, TokenSums<C>& sums) const {
    typedef typename Core::Type Type;
    constexpr bool kCodes = C::kCache == CacheType::i8;
    const Type *keys = (const Type*)operands[1], *values = (const Type*)operands[2];
    TokenScores scores;
    core.score(*this, keys, scores);
    if constexpr (kCodes) multiplyByScales(scores, keys);
    Rescale rescale[2];
    softmax(scores, sums, rescale);
    if constexpr (kCodes) multiplyByScales(scores, values);
    if constexpr (kCodes) normalize(scores, rescale);
    core.addValues(*this, scores, values, rescale, sums);
  }
};

// With mma.sync: the page's fragments, stored as B, are used as A, whose register order differs (see multiply).
template <class C>
struct TokenTensorCore {
  typedef TensorCore<C> Base;
  typedef typename Base::Type Type;
  typedef typename Base::Fragments Fragments;
  static constexpr int kSteps = C::kHeadDim / 16, kLoadSteps = Base::kLoadSteps;
  unsigned query[kSteps][2];

  // Head h of the queries starts at q + h * kHeadDim; heads past the last are zeros.
  INGOT_MEMBER void load(const float* q, int heads) {
    constexpr float kFactor = C::kSoftcap != 0 ? C::kScale : C::kScale * kLog2e;
    int lane = threadIdx.x % kWarp, head = lane / 4;
#pragma unroll
    for (int i = 0; i < kSteps * 2; ++i) {
      TwoFloats v = head < heads ? ::load<TwoFloats>(q + head * C::kHeadDim + i * 8 + lane % 4 * 2) : TwoFloats{};
      query[i / 2][i % 2] = Base::pack(v.at[0] * kFactor, v.at[1] * kFactor);
    }
  }

  INGOT_INLINE void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    unsigned swapped[4] = {a[0], a[2], a[1], a[3]};
    if constexpr (C::kCache == CacheType::bf16) multiplyBfloats(d, swapped, b);
    else multiplyHalves(d, swapped, b);
  }

  INGOT_MEMBER void score(const TokenSpan<C>& span, const Type* keys, TokenScores& scores) const {
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      for (int i = 0; i < 4; ++i) scores[p][i] = 0;
#pragma unroll
      for (int k = 0; k < kSteps; k += kLoadSteps) {
        Fragments a = Base::fragmentsAt(keys + span.offsets[p], k);
#pragma unroll
        for (int s = 0; s < kLoadSteps; ++s) multiply(scores[p], a.at[s], query[k + s]);
      }
      for (int i = 0; i < 4; ++i) scores[p][i] *= Base::kWidened;
    }
  }

  INGOT_MEMBER void addValues(const TokenSpan<C>& span, const TokenScores& scores, const Type* values, const Rescale (&rescale)[2],
                              TokenSums<C>& sums) const {
    unsigned weights[kSpanPages][2], masks[kSpanPages][2];
#pragma unroll
    for (int i = 0; i < kSpanPages * 2; ++i) {
      int p = i / 2, half = i % 2, token = half * 8 + threadIdx.x % 4 * 2;
      weights[p][half] = transposeHalves(Base::pack(scores[p][half * 2] * Base::kWidened, scores[p][half * 2 + 1] * Base::kWidened));
      masks[p][half] = (token <= span.lastOf(p) ? 0xffffu : 0u) | (token < span.lastOf(p) ? 0xffff0000u : 0u);
    }
#pragma unroll
    for (int m = 0; m < kSteps; m += kLoadSteps) {
      float output[kLoadSteps][4] = {};
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p) {
        Fragments a = Base::fragmentsAt(values + span.offsets[p], m);
#pragma unroll
        for (int s = 0; s < kLoadSteps; ++s) {
          if constexpr (!Base::kBytes)
            for (int i = 0; i < 4; ++i) a.at[s][i] &= masks[p][i % 2];
          multiply(output[s], a.at[s], weights[p]);
        }
      }
#pragma unroll
      for (int i = 0; i < 4 * kLoadSteps; ++i) sums.output[m + i / 4][i % 4] = fold(0.0f, output[i / 4][i % 4], rescale[i % 2]);
    }
  }
};

// In scalar code.
template <class C>
struct TokenScalarCore {
  typedef CacheElement<C::kCache> Element;
  typedef typename Element::Type Type;
  typedef PageLayout<C::kCache, C::kHeadDim> Layout;
  const float* query[2];  // of the lane's heads; a missing head repeats the last one

  INGOT_MEMBER void load(const float* q, int heads) {
    int head = threadIdx.x % 4 * 2;
    for (int c = 0; c < 2; ++c) query[c] = q + (head + c < heads ? head + c : heads - 1) * C::kHeadDim;
  }

  INGOT_MEMBER void score(const TokenSpan<C>& span, const Type* keys, TokenScores& scores) const {
    constexpr float kFactor = C::kSoftcap != 0 ? C::kScale : C::kScale * kLog2e;
    int token = threadIdx.x % kWarp / 4;
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      float sums[4] = {};
      for (int d = 0; d < C::kHeadDim && span.isSeen(p); ++d)
#pragma unroll
        for (int i = 0; i < 4; ++i)
          sums[i] = fma(query[i % 2][d], Element::widen(keys[span.offsets[p] + Layout::key(d, token + i / 2 * 8)]), sums[i]);
      for (int i = 0; i < 4; ++i) scores[p][i] = sums[i] * kFactor;
    }
  }

  INGOT_MEMBER void addValues(const TokenSpan<C>& span, const TokenScores& scores, const Type* values, const Rescale (&rescale)[2],
                              TokenSums<C>& sums) const {
    int lane = threadIdx.x % kWarp;
    for (auto& output : sums.output)
      for (float& one : output) one = 0;
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      for (int i = 0; i < kPageTokens; ++i) {
        // The accumulation order of mma.
        int pair = i / 4, token = i % 4 / 2 * 8 + pair * 2 + i % 2, from = token % 8 * 4 + lane % 4;
        float weights[2];
        for (int c = 0; c < 2; ++c) {
          float low = __shfl_sync(kFullWarp, scores[p][c], from), high = __shfl_sync(kFullWarp, scores[p][2 + c], from);
          weights[c] = token < 8 ? low : high;
        }
        if (!span.isSeen(p) || token > span.lastOf(p)) continue;
#pragma unroll
        for (int m = 0; m < C::kHeadDim / 16; ++m)
          for (int half = 0; half < 2; ++half) {
            float value = Element::widen(values[span.offsets[p] + Layout::value(token, m * 16 + lane / 4 + half * 8)]);
            for (int c = 0; c < 2; ++c) sums.output[m][half * 2 + c] = fma(weights[c], value, sums.output[m][half * 2 + c]);
          }
      }
    for (auto& output : sums.output)
      for (int i = 0; i < 4; ++i) output[i] = fold(0.0f, output[i], rescale[i % 2]);
  }
};

}  // namespace attention
