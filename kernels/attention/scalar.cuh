// Attention's products in scalar code, with the register layout of the tensor-core version (tensor.cuh): for f32 caches, and for GPUs without
// 16-bit mma.
#pragma once

#include "kernels/attention/span.cuh"

namespace attention {

template <class C>
struct ScalarCore {
  typedef CacheElement<C::kCache> Element;
  typedef typename Element::Type Type;
  typedef PageLayout<C::kCache, C::kHeadDim> Layout;
  struct Weights {
    float at[2][4];  // of a page, laid out as its scores
  };
  struct SpilledQueries {};
  const float* query[2];  // the lane's two rows; a missing row repeats the last one
  bool both;              // more than eight rows

  INGOT_MEMBER void load(const float* q, long long stride, int rows, SpilledQueries&) {
    int row = threadIdx.x % kWarp / 4;
    for (int r = 0; r < 2; ++r) query[r] = q + (row + 8 * r < rows ? row + 8 * r : rows - 1) * stride;
    both = rows > 8;
  }

  // Scores of one page: the lane's rows times its two columns of each half.
  template <int Rows>
  INGOT_MEMBER void scorePage(const Type* keys, PageScores& scores) const {
    constexpr float kFactor = C::kSoftcap != 0 ? C::kScale : C::kScale * kLog2e;
    int column = 2 * (threadIdx.x % 4);
    float sums[2][4] = {};
    for (int d = 0; d < C::kHeadDim; ++d)
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        float key = Element::widen(keys[Layout::key(d, c / 2 * 8 + column + c % 2)]);
        for (int r = 0; r < Rows; ++r) sums[r][c] = fma(query[r][d], key, sums[r][c]);
      }
#pragma unroll
    for (int i = 0; i < 8; ++i) scores[i / 4][i % 4] = sums[i / 2 % 2][i / 4 * 2 + i % 2] * kFactor;
  }

  INGOT_MEMBER void score(const Type* keys, const long long (&offsets)[kSpanPages], const bool (&seen)[kSpanPages],
                          PageScores (&scores)[kSpanPages]) const {
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      if (!seen[p])
        for (int i = 0; i < 8; ++i) scores[p][i / 4][i % 4] = 0;
      else if (both) scorePage<2>(keys + offsets[p], scores[p]);
      else scorePage<1>(keys + offsets[p], scores[p]);
    }
  }

  INGOT_INLINE Weights weightsOf(const PageScores& scores) {
    Weights weights;
    for (int i = 0; i < 8; ++i) weights.at[i / 4][i % 4] = scores[i / 4][i % 4];
    return weights;
  }

  // Adds weights * values of a page. Tokens after `last` are skipped, since their values are uninitialised.
  template <int Tiles>
  INGOT_MEMBER void addValues(const Weights& weights, const Type* values, int last, int firstTile, float (&output)[Tiles][4]) const {
    int lane = threadIdx.x % kWarp, column = 2 * (lane % 4);
    for (int pair = 0; pair < 4; ++pair)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        int token = i / 2 * 8 + pair * 2 + i % 2, from = lane / 4 * 4 + pair;
        float first = __shfl_sync(kFullWarp, weights.at[i / 2][i % 2], from), second = __shfl_sync(kFullWarp, weights.at[i / 2][2 + i % 2], from);
        if (token > last) continue;
#pragma unroll
        for (int n = 0; n < Tiles; ++n)
          for (int c = 0; c < 2; ++c) {
            float value = Element::widen(values[Layout::value(token, (firstTile + n) * 8 + column + c)]);
            output[n][c] = fma(first, value, output[n][c]);
            output[n][2 + c] = fma(second, value, output[n][2 + c]);
          }
      }
  }
};

}  // namespace attention
