// Weights of 4 or 8 bits in groups along k. formats.cpu.h says what the functions do.
#pragma once

#include "kernels/linear/stretch.cpu.h"
#include "kernels/prim/dot.h"

namespace linear {

template <WeightFormat F>
struct DotsOf {
  using Type = NibbleDots;
};
template <>
struct DotsOf<WeightFormat::i8> {
  using Type = ByteDots;
};

// Rows of x are quantised with the same groups.
template <WeightFormat F>
struct QuantizedFormat {
  static constexpr long long kRowBytes = quantizedRowBytes(kK, kGroup);
  static constexpr long long kBlockBytes = blockBytes(F, kK, kGroup);
  static constexpr long long kGroups = kK / kGroup;
  static constexpr bool kHasMinima = F == WeightFormat::i4m;
  static constexpr int kHeaderBytes = headerBytes(F);
  static constexpr int kStep = F == WeightFormat::i8 ? 4 : 8;  // columns of 64 bytes of codes
  // Per group: codes as bytes, 4 columns of 16 channels of each block side by side (or as pairColumns says); scales and minima as f32.
  struct Panel {
    unsigned char codes[kStretch / 4][kPanelBlocks][64];
    float scales[kStretch / kGroup][kPanelBlocks][kLanes];
    float minima[kHasMinima ? kStretch / kGroup : 1][kPanelBlocks][kLanes];
  };

  // Scale of a row's group, and the sum of its codes.
  struct RowGroup {
    float scale;
    const int* sum;
  };
  INGOT_INLINE RowGroup rowGroup(const char* row, long long g) { return {((const float*)(row + kK))[g], (const int*)(row + kK + 4 * kGroups) + g}; }

  // Dot products of a group, with a fold every kFold columns. Codes are stored with an offset; dot products start at a value that cancels it.
  using Dots = DotsOf<F>::Type;
  static constexpr int kFold = kGroup < 32 ? kGroup : 32;
  static_assert(kGroup % kFold == 0);
  // Unless registers abound, a compiler that unrolls loops over columns goes row by row and spills what it loaded.
  static constexpr int kQuadsUnrolled = kHasManyRegisters ? 1 : 2;
  INGOT_INLINE Dots dotsOf(RowGroup row) {
    if constexpr (F == WeightFormat::i8) return Dots::less128(row.sum);
    else if constexpr (F == WeightFormat::i4) return Dots::template less8<kGroup>(row.sum);
    else return {};
  }
  INGOT_INLINE F32x16 addGroup(F32x16 sum, const Dots& dots, F32x16 scale, F32x16 minimum, RowGroup row) {
    sum = fma(toFloat(dots.total), scale * row.scale, sum);
    if constexpr (kHasMinima) sum = fma(minimum, splat(row.scale * (float)*row.sum), sum);
    return sum;
  }
  INGOT_INLINE U8x64 highNibbles(U8x64 both) { return (U8x64)(((U32x16)both >> 4) & 0x0f0f0f0fu); }

  template <int Rows>
  INGOT_INLINE void stream(const char* x, const char* block, const Ahead& ahead, F32x16 (&sums)[Rows]) {
    for (long long g = 0; g < kGroups; ++g) {
      const char* group = block + g * groupBytes(F, kGroup);
      const char* codes = group + kHeaderBytes;
      const signed char* columns = (const signed char*)x + g * kGroup;
      ahead.ask<1>(g, 0);
      RowGroup rows[Rows];
      Dots dots[Rows];
      for (int r = 0; r < Rows; ++r) {
        rows[r] = rowGroup(x + r * kRowBytes, g);
        dots[r] = dotsOf(rows[r]);
      }
      auto add = [&](U8x64 w, int k) __attribute__((always_inline)) {
        for (int r = 0; r < Rows; ++r) dots[r].add(w, splatQuad(columns + r * kRowBytes + k));
      };
      for (int fold = 0; fold < kGroup; fold += kFold) {
#pragma clang loop unroll_count(Rows > 1 && !kHasManyRegisters ? 1 : kFold / kStep)
        for (int k = fold; k < fold + kFold; k += kStep) {
          if constexpr (F == WeightFormat::i8) {
            add(load<U8x64>(codes + 16 * k), k);
          } else {
            U8x64 both = load<U8x64>(codes + 8 * k);
            add(both & 15, k);
            add(highNibbles(both), k + 4);
          }
        }
        for (int r = 0; r < Rows; ++r) dots[r].fold();
      }
      F32x16 scale = toFloat(load<F16x16>(group)), minimum = {};
      if constexpr (kHasMinima) minimum = toFloat(load<F16x16>(group + 32));
      for (int r = 0; r < Rows; ++r) sums[r] = addGroup(sums[r], dots[r], scale, minimum, rows[r]);
    }
  }

  INGOT_INLINE void unpack(const char* weights, int blocks, long long first, long long columns, Panel& panel) {
    for (int b = 0; b < blocks; ++b)
      for (long long g = 0; g < columns / kGroup; ++g) {
        const char* group = weights + b * kBlockBytes + (first / kGroup + g) * groupBytes(F, kGroup);
        store(panel.scales[g][b], toFloat(load<F16x16>(group)));
        if constexpr (kHasMinima) store(panel.minima[g][b], toFloat(load<F16x16>(group + 32)));
        auto* codes = &panel.codes[g * kGroup / 4];
        for (int k = 0; k < kGroup; k += 8) {
          U8x64 first4, second4;
          if constexpr (F == WeightFormat::i8) {
            first4 = load<U8x64>(group + kHeaderBytes + 16 * k);
            second4 = load<U8x64>(group + kHeaderBytes + 16 * k + 64);
          } else {
            U8x64 both = load<U8x64>(group + kHeaderBytes + 8 * k);
            first4 = both & 15;
            second4 = highNibbles(both);
          }
          if constexpr (kRowPairs) pairColumns(first4, second4);
          store(codes[k / 4][b], first4);
          store(codes[k / 4 + 1][b], second4);
        }
      }
  }

  // Columns k .. k + 3 and k + 4 .. k + 7 of 16 channels become eight signed columns a channel.
  INGOT_INLINE void pairColumns(U8x64& first, U8x64& second) {
    U32x16 a = (U32x16)(F == WeightFormat::i8 ? first ^ 0x80 : first), b = (U32x16)(F == WeightFormat::i8 ? second ^ 0x80 : second);
    first = (U8x64)__builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    second = (U8x64)__builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }

  // The dot products of one group of an unpacked panel.
  template <int Rows, int Blocks>
  INGOT_INLINE void dotQuads(const signed char* x, const unsigned char (*codes)[kPanelBlocks][64], int block, Dots (&dots)[Rows][Blocks]) {
    for (int fold = 0; fold < kGroup; fold += kFold) {
#pragma clang loop unroll_count(kQuadsUnrolled)
      for (int k = fold; k < fold + kFold; k += 4) {
        U8x64 w[Blocks];
        for (int b = 0; b < Blocks; ++b) w[b] = load<U8x64>(codes[k / 4][block + b]);
        for (int r = 0; r < Rows; ++r) {
          I8x64 quad = splatQuad(x + r * kRowBytes + k);
          for (int b = 0; b < Blocks; ++b) dots[r][b].add(w[b], quad);
        }
      }
      for (int r = 0; r < Rows; ++r)
        for (int b = 0; b < Blocks; ++b) dots[r][b].fold();
    }
  }

  // The same for two rows and two channels; an odd last row is paired with itself.
  template <int Rows, int Blocks>
  INGOT_INLINE void dotRowPairs(const signed char* x, const unsigned char (*codes)[kPanelBlocks][64], int block, Dots (&dots)[Rows][Blocks]) {
    typedef signed char Eight __attribute__((vector_size(8)));
    constexpr int kPairs = (Rows + 1) / 2, kEach = kLanes / 2;
    for (int b = 0; b < Blocks; ++b) {
      I32x4 totals[kPairs][kEach] = {};
#pragma clang loop unroll(disable)
      for (int k = 0; k < kGroup; k += 8) {
        I8x16 rows[kPairs];
        for (int pair = 0; pair < kPairs; ++pair) {
          const signed char* at = x + 2 * pair * kRowBytes + k;
          rows[pair] = __builtin_shufflevector(load<Eight>(at), load<Eight>(2 * pair + 1 < Rows ? at + kRowBytes : at), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                                               10, 11, 12, 13, 14, 15);
        }
        for (int i = 0; i < kEach; ++i) {
          I8x16 channels = load<I8x16>(codes[k / 4 + i / 4][block + b] + i % 4 * 16);
          for (int pair = 0; pair < kPairs; ++pair) totals[pair][i] = dotPairs(totals[pair][i], rows[pair], channels);
        }
      }
      for (int pair = 0; pair < kPairs; ++pair) {
        I32x16 low = load<I32x16>(totals[pair]), high = load<I32x16>(totals[pair] + 4);
        dots[2 * pair][b].total += __builtin_shufflevector(low, high, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
        if (2 * pair + 1 < Rows)
          dots[2 * pair + 1][b].total += __builtin_shufflevector(low, high, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
      }
    }
  }

  INGOT_INLINE F32x16 scaleOf(const Panel& panel, long long g, int block) { return load<F32x16>(panel.scales[g][block]); }
  INGOT_INLINE F32x16 minimumOf(const Panel& panel, long long g, int block) {
    if constexpr (kHasMinima) return load<F32x16>(panel.minima[g][block]);
    else return {};
  }

  template <int Rows, int Blocks>
  INGOT_INLINE void multiply(const char* x, long long first, long long columns, const Panel& panel, int block, const Ahead& ahead,
                             F32x16 (&sums)[Rows][Blocks]) {
    for (long long g = 0; g < columns / kGroup; ++g) {
      ahead.ask<Blocks>(g, block);
      Dots dots[Rows][Blocks];
      for (int r = 0; r < Rows; ++r)
        for (int b = 0; b < Blocks; ++b) dots[r][b] = dotsOf(rowGroup(x + r * kRowBytes, first / kGroup + g));
      const signed char* group = (const signed char*)x + first + g * kGroup;
      const auto* codes = &panel.codes[g * kGroup / 4];
      if constexpr (kRowPairs) dotRowPairs(group, codes, block, dots);
      else dotQuads(group, codes, block, dots);
      for (int b = 0; b < Blocks; ++b) {
        F32x16 scale = scaleOf(panel, g, block + b), minimum = minimumOf(panel, g, block + b);
        for (int r = 0; r < Rows; ++r) sums[r][b] = addGroup(sums[r][b], dots[r][b], scale, minimum, rowGroup(x + r * kRowBytes, first / kGroup + g));
      }
    }
  }
};

}  // namespace linear
