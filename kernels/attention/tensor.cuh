// Attention's products on tensor cores, for keys and values of 16 bits: these lie in the page as fragments, 16 bytes a lane for
// 16 tokens and 16 columns. Queries and weights are rounded to the type of the cache, sums are f32.
#pragma once

#include "kernels/attention/span.cuh"

namespace attention {

template <class C>
struct TensorCore {
  typedef unsigned short Type;
  static constexpr int kSteps = C::kHeadDim / 16;
  // Of values, where they divide into such: more spill registers, fewer leave too few loads on their way.
  static constexpr int tilesAtOnce(int tiles) { return tiles % 4 == 0 ? 4 : 2; }
  // Of a page, as the first operand of a product: half of the registers that they take as scores.
  struct Weights {
    unsigned at[4];
  };
  unsigned query[kSteps][4];

  INGOT_INLINE unsigned pack(float low, float high) {
    if constexpr (C::kCache == CacheType::bf16) return packBfloats(low, high);
    else return packHalves(low, high);
  }
  INGOT_INLINE void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    unsigned b[2] = {b0, b1};
    if constexpr (C::kCache == CacheType::bf16) multiplyBfloats(d, a, b);
    else multiplyHalves(d, a, b);
  }

  // Row r of the queries begins at q + r * stride; those behind the last row are zeros.
  INGOT_MEMBER void load(const float* q, long long stride, int rows) {
    constexpr float kFactor = C::kSoftcap != 0 ? C::kScale : C::kScale * kLog2e;
    int lane = threadIdx.x % kWarp, row = lane / 4;
#pragma unroll
    for (int k = 0; k < kSteps; ++k)
      for (int i = 0; i < 4; ++i) {
        int r = row + i % 2 * 8;
        TwoFloats v = r < rows ? ::load<TwoFloats>(q + r * stride + k * 16 + i / 2 * 8 + lane % 4 * 2) : TwoFloats{};
        query[k][i] = pack(v.at[0] * kFactor, v.at[1] * kFactor);
      }
  }

  INGOT_MEMBER void score(const Type* keys, const long long (&offsets)[kSpanPages], const bool (&seen)[kSpanPages],
                          PageScores (&scores)[kSpanPages]) const {
    int lane = threadIdx.x % kWarp;
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      for (int i = 0; i < 8; ++i) scores[p][i / 4][i % 4] = 0;
#pragma unroll
    for (int k = 0; k < kSteps; ++k)
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p) {
        if (!seen[p]) continue;
        Words b = ::load<Words>(keys + offsets[p] + k * 256 + lane * 8);
        multiply(scores[p][0], query[k], b.at[0], b.at[1]);
        multiply(scores[p][1], query[k], b.at[2], b.at[3]);
      }
  }

  INGOT_INLINE Weights weightsOf(const PageScores& scores) {
    Weights weights;
    for (int i = 0; i < 4; ++i) weights.at[i] = pack(scores[i / 2][i % 2 * 2], scores[i / 2][i % 2 * 2 + 1]);
    return weights;
  }

  // Adds weights * values of a page. Tokens behind `last` have values that nobody wrote: they count as zeros.
  template <int Tiles>
  INGOT_MEMBER void addValues(const Weights& weights, const Type* values, int last, int firstTile, float (&output)[Tiles][4]) const {
    int lane = threadIdx.x % kWarp;
    unsigned masks[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int token = half * 8 + lane % 4 * 2;
      masks[half] = (token <= last ? 0xffffu : 0u) | (token < last ? 0xffff0000u : 0u);
    }
#pragma unroll
    for (int n = 0; n < Tiles; n += 2) {
      Words b = ::load<Words>(values + (firstTile + n) * 128 + lane * 8);
      multiply(output[n], weights.at, b.at[0] & masks[0], b.at[1] & masks[1]);
      multiply(output[n + 1], weights.at, b.at[2] & masks[0], b.at[3] & masks[1]);
    }
  }
};

}  // namespace attention
