// The inner loops of linear on tensor cores. The packed layout is made of words that are fragments already: a word is neighbouring
// columns of one channel, and a lane's 16 bytes are four channels, 4 (lane / 4) ... of the panel, at one place along k. They are the
// rows lane / 4 and lane / 4 + 8 of two products. Which word is which along k may be chosen, as long as x follows.
#pragma once

#include "kernels/linear/formats.cuh"

namespace linear {

// bf16 weights, 16 columns a unit. x is split into two bf16 of which the second holds what the first one lost: 16 bits in all.
template <class C>
struct TensorBfloat : PlainFormat<C> {
  typedef PlainFormat<C> Base;

  INGOT_INLINE void split(const char* x, unsigned& high, unsigned& low) {
    TwoFloats v = load<TwoFloats>(x);
    high = packBfloats(v.at[0], v.at[1]);
    low = packBfloats(v.at[0] - asFloat(high << 16), v.at[1] - asFloat(high & 0xffff0000u));
  }

  template <int Groups>
  INGOT_INLINE void accumulate(const char* const (&x)[Groups], const char* const (&scaled)[Groups][2], const char* block, int lane, int unit,
                               float (&sums)[Groups][kRows]) {
    int t = lane % 4;
    const char* at = block + unit * 512ll + t * 64 + lane / 4 % 4 * 16;
    Words first = loadStream(at), second = loadStream(at + 256);
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      const char* k = x[g] + (unit * 16ll + 2 * t) * 4;
      unsigned high[2], low[2];
      split(k, high[0], low[0]);
      split(k + 32, high[1], low[1]);
      for (int m = 0; m < 2; ++m) {
        unsigned a[4] = {first.at[2 * m], first.at[2 * m + 1], second.at[2 * m], second.at[2 * m + 1]};
        float d[4] = {sums[g][4 * m], sums[g][4 * m + 1], sums[g][4 * m + 2], sums[g][4 * m + 3]};
        multiplyBfloats(d, a, low);
        multiplyBfloats(d, a, high);
        for (int i = 0; i < 4; ++i) sums[g][4 * m + i] = d[i];
      }
    }
  }
};

// Codes of 4 or 8 bits, a group of columns a unit, 32 columns a product: exact sums of integers, scaled once a group.
template <class C>
struct TensorCodes : QuantizedFormat<C> {
  typedef QuantizedFormat<C> Base;
  static constexpr bool kBytes = C::kFormat == WeightFormat::i8;

  // The fragments of 32 columns for both products.
  struct Codes {
    unsigned a[2][4];
  };
  INGOT_INLINE Codes codesOf(const char* at) {
    Codes codes;
    Words first = loadStream(at), second = kBytes ? loadStream(at + 256) : first;
    for (int m = 0; m < 2; ++m)
      for (int i = 0; i < 4; ++i) {
        unsigned word = i < 2 ? first.at[2 * m + i] : second.at[2 * m + i - 2];
        codes.a[m][i] = kBytes ? word ^ 0x80808080u : (i < 2 ? word : word >> 4) & 0x0f0f0f0fu;
      }
    return codes;
  }

  template <int Groups>
  INGOT_INLINE void accumulate(const char* const (&x)[Groups], const char* const (&scaled)[Groups][2], const char* block, int lane, int unit,
                               float (&sums)[Groups][kRows]) {
    constexpr int kStepBytes = kBytes ? 512 : 256, kFirst = kBytes ? 4 : 8, kSecond = kBytes ? 16 : 4;
    int t = lane % 4;
    const char* group = block + unit * groupBytes(C::kFormat, C::kGroup);
    const char* scales = group + lane / 4 % 4 * 8;
    int dots[Groups][2][4] = {};
    for (int k = 0; k < C::kGroup; k += 32) {
      Codes codes = codesOf(group + Base::kHeaderBytes + k / 32 * kStepBytes + t * 64 + lane / 4 % 4 * 16);
#pragma unroll
      for (int g = 0; g < Groups; ++g) {
        const char* at = x[g] + unit * (long long)C::kGroup + k + t * kFirst;
        unsigned b[2] = {load<unsigned>(at), load<unsigned>(at + kSecond)};
        for (int m = 0; m < 2; ++m) multiplyBytes(dots[g][m], codes.a[m], b);
      }
    }
#pragma unroll
    for (int g = 0; g < Groups; ++g)
      for (int i = 0; i < kRows; ++i) {
        const char* row = scaled[g][i % 2];
        float scale = halfToFloat(load<unsigned short>(scales + i / 2 * 2)), xScale = Base::rowScale(row, unit);
        int sum = Base::rowSum(row, unit);
        sums[g][i] = fma((float)(dots[g][i / 4][i % 4] + Base::seed(sum)), scale * xScale, sums[g][i]);
        if constexpr (C::kFormat == WeightFormat::i4m)
          sums[g][i] = fma(halfToFloat(load<unsigned short>(scales + 32 + i / 2 * 2)), xScale * (float)sum, sums[g][i]);
      }
  }
};

// Runs a format over the units of one warp. Sum i of a lane is channel 4 (lane / 4) + i / 2, row 2 (lane % 4) + i % 2.
template <class Format, int Warps>
struct TensorLoop {
  INGOT_INLINE int rowOf(int i, int lane) { return 2 * (lane % 4) + i % 2; }
  INGOT_INLINE int channelOf(int i, int lane) { return 4 * (lane / 4) + i / 2; }

  template <int Groups>
  INGOT_INLINE void run(const char* x, int rows, const char* block, int warp, int lane, float (&sums)[Groups][kRows]) {
    auto rowAt = [&](int row) { return x + (row < rows ? row : rows - 1) * Format::kRowBytes; };
    const char *columns[Groups], *scaled[Groups][2];
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      columns[g] = rowAt(g * kRows + lane / 4);
      for (int i = 0; i < 2; ++i) scaled[g][i] = rowAt(g * kRows + 2 * (lane % 4) + i);
    }
    for (int unit = warp; unit < Format::kUnits; unit += Warps) Format::accumulate(columns, scaled, block, lane, unit, sums);
  }
};

}  // namespace linear
