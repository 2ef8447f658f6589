// The inner loops of linear on tensor cores for few rows. The packed layout is made of words that are fragments, or nearly so: a
// word is neighbouring columns of one channel, and a lane's 16 bytes are four channels, 4 (lane / 4) ... of the panel, at one place
// along k. They are the rows lane / 4 and lane / 4 + 8 of two products. Which word is which along k may be chosen, as long as x
// follows. Weights pass the first-level cache by.
#pragma once

#include "kernels/linear/fragments.cuh"

namespace linear {

// Weights of 16 bits, 16 columns a unit and a product.
template <class C>
struct TensorPlain : PlainFormat<C> {
  typedef PlainFormat<C> Base;
  typedef typename NarrowOf<C::kFormat>::Type Narrow;

  // The weights of both products; `quad` is the lane's four channels in the block.
  struct Weights {
    unsigned a[2][4];
  };
  INGOT_INLINE Weights weightsOf(const char* unit, int t, int quad) {
    Weights weights;
    if constexpr (C::kFormat == WeightFormat::bf16) {
      Words first = loadStream(unit + t * 64 + quad * 16), second = loadStream(unit + t * 64 + quad * 16 + 256);
      for (int m = 0; m < 2; ++m)
        for (int i = 0; i < 4; ++i) weights.a[m][i] = i < 2 ? first.at[2 * m + i] : second.at[2 * m + i - 2];
    } else {
      TwoWords columns[4];  // 2t, 2t + 1, 2t + 8, 2t + 9
      for (int i = 0; i < 4; ++i) columns[i] = loadStreamPair(unit + (2 * t + i % 2 + i / 2 * 8) * 32 + quad * 8);
      for (int m = 0; m < 2; ++m)
        for (int i = 0; i < 4; ++i) weights.a[m][i] = pairHalves(columns[i / 2 * 2].at[m], columns[i / 2 * 2 + 1].at[m], i % 2);
    }
    return weights;
  }

  template <int Groups>
  INGOT_INLINE void accumulate(const char* const (&x)[Groups], const char* const (&scaled)[Groups][2], const char* block, int lane, int unit,
                               float (&sums)[Groups][kRows]) {
    int t = lane % 4;
    Weights weights = weightsOf(block + unit * 512ll, t, lane / 4 % 4);
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      const char* k = x[g] + (unit * 16ll + 2 * t) * 4;
      unsigned first[Narrow::kParts], second[Narrow::kParts];
      Narrow::partsOf(load<TwoFloats>(k), first);
      Narrow::partsOf(load<TwoFloats>(k + 32), second);
      for (int m = 0; m < 2; ++m) {
        float d[4] = {sums[g][4 * m], sums[g][4 * m + 1], sums[g][4 * m + 2], sums[g][4 * m + 3]};
        for (int part = 0; part < Narrow::kParts; ++part) {
          unsigned b[2] = {first[part], second[part]};
          Narrow::multiply(d, weights.a[m], b);
        }
        for (int i = 0; i < 4; ++i) sums[g][4 * m + i] = d[i];
      }
    }
  }
};

// Codes of 4 or 8 bits, 32 columns a product: sums of integers, which are exact, or of 8-bit floats, scaled once a unit.
template <class C>
struct TensorCodes : QuantizedFormat<C> {
  typedef QuantizedFormat<C> Base;
  typedef typename Base::Coding Coding;
  static constexpr bool kBytes = hasByteCodes(C::kFormat);

  template <int Groups>
  INGOT_INLINE void accumulate(const char* const (&x)[Groups], const char* const (&scaled)[Groups][2], const char* block, int lane, int unit,
                               float (&sums)[Groups][kRows]) {
    constexpr int kStepBytes = kBytes ? 512 : 256;
    int t = lane % 4;
    const char* group = Base::groupAt(block, unit);
    typename Coding::Dot dots[Groups][2][4] = {};
    for (int k = 0; k < Base::kUnitColumns; k += 32) {
      const char* at = Base::codesAt(group, unit) + k / 32 * kStepBytes + t * 64 + lane / 4 % 4 * 16;
      Words first = loadStream(at), second = kBytes ? loadStream(at + 256) : first;
      unsigned a[2][4];
      for (int m = 0; m < 2; ++m) codeFragments<C::kFormat>(first, second, m, a[m]);
#pragma unroll
      for (int g = 0; g < Groups; ++g) {
        TwoWords words = linear::codesAt<C::kFormat>(x[g] + unit * (long long)Base::kUnitColumns + k, t);
        for (int m = 0; m < 2; ++m) Coding::multiply(dots[g][m], a[m], words.at);
      }
    }
#pragma unroll
    for (int g = 0; g < Groups; ++g)
      for (int i = 0; i < kRows; ++i)
        Coding::add(sums[g][i], Coding::productsOf(dots[g][i / 4][i % 4]), Coding::channelAt(group, lane / 4 % 4 * 4 + i / 2),
                    Base::rowGroup(scaled[g][i % 2], unit));
  }
};

// Runs a format over the units of one warp's run. Sum i of a lane is channel 4 (lane / 4) + i / 2, row 2 (lane % 4) + i % 2.
template <class Format>
struct TensorLoop {
  INGOT_INLINE int rowOf(int i, int lane) { return 2 * (lane % 4) + i % 2; }
  INGOT_INLINE int channelOf(int i, int lane) { return 4 * (lane / 4) + i / 2; }

  template <int Groups>
  INGOT_INLINE void run(const char* x, int rows, const char* block, int first, int last, int lane, float (&sums)[Groups][kRows]) {
    auto rowAt = [&](int row) { return x + (row < rows ? row : rows - 1) * Format::kRowBytes; };
    const char *columns[Groups], *scaled[Groups][2];
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      columns[g] = rowAt(g * kRows + lane / 4);
      for (int i = 0; i < 2; ++i) scaled[g][i] = rowAt(g * kRows + 2 * (lane % 4) + i);
    }
    for (int unit = first; unit < last; ++unit) Format::accumulate(columns, scaled, block, lane, unit, sums);
  }
};

}  // namespace linear
