// The inner loops of linear, one struct a weight format: sums[r][b] += x row r times channel block b.
#pragma once

#include "kernels/linear/layout.h"
#include "kernels/prim/dot.h"

namespace linear {

// Weights of 2 or 4 bytes; x rows are f32.
template <WeightFormat F>
struct PlainFormat {
  static constexpr long long kRowBytes = paddedColumns(kK) * 4;
  static constexpr long long kBlockBytes = blockBytes(F, kK, 1);

  template <int Rows, int Blocks>
  INGOT_INLINE void accumulate(const char* x, const char* weight, F32x16 (&sums)[Rows][2]) {
    const float* row[Rows];
    for (int r = 0; r < Rows; ++r) row[r] = (const float*)(x + r * kRowBytes);
    for (long long k = 0; k < kK; k += F == WeightFormat::bf16 ? 2 : 1)
      for (int b = 0; b < Blocks; ++b) {
        const char* at = weight + b * kBlockBytes + k * groupBytes(F, 1);
        if constexpr (F == WeightFormat::bf16) {
          U32x16 pair = load<U32x16>(at);
          F32x16 even = (F32x16)(pair << 16), odd = (F32x16)(pair & 0xffff0000u);
          for (int r = 0; r < Rows; ++r) sums[r][b] = fma(odd, splat(row[r][k + 1]), fma(even, splat(row[r][k]), sums[r][b]));
        } else {
          F32x16 w = F == WeightFormat::f32 ? load<F32x16>(at) : toFloat(load<F16x16>(at));
          for (int r = 0; r < Rows; ++r) sums[r][b] = fma(w, splat(row[r][k]), sums[r][b]);
        }
      }
  }
};

// Weights of 4 or 8 bits in groups along k; x rows are quantised with the same groups.
template <WeightFormat F>
struct QuantizedFormat {
  static constexpr long long kRowBytes = quantizedRowBytes(kK, kGroup);
  static constexpr long long kBlockBytes = blockBytes(F, kK, kGroup);
  static constexpr long long kGroups = kK / kGroup;
  static constexpr long long kHeaderBytes = F == WeightFormat::i4m ? 64 : 32;
  // A decoding step waits for memory: ask for weights this far ahead.
  static constexpr long long kPrefetchBytes = 2048;

  INGOT_INLINE int seed(int sum) { return F == WeightFormat::i8 ? biasedSeed(sum) : F == WeightFormat::i4 ? -8 * sum : 0; }

  template <int Rows, int Blocks>
  INGOT_INLINE void accumulate(const char* x, const char* weight, F32x16 (&sums)[Rows][2]) {
    for (long long g = 0; g < kGroups; ++g) {
      I32x16 dots[Rows][Blocks];
      float scales[Rows];
      int rowSums[Rows];
      for (int r = 0; r < Rows; ++r) {
        const char* row = x + r * kRowBytes;
        scales[r] = ((const float*)(row + kK))[g];
        rowSums[r] = ((const int*)(row + kK + 4 * kGroups))[g];
        for (int b = 0; b < Blocks; ++b) dots[r][b] = splat(seed(rowSums[r]));
      }
      const char* group = weight + g * groupBytes(F, kGroup);
      const signed char* columns = (const signed char*)x + g * kGroup;
      for (int b = 0; b < Blocks; ++b) {
        const char* at = group + b * kBlockBytes;
        if constexpr (Rows == 1)
          for (int line = 0; line < groupBytes(F, kGroup); line += 64) __builtin_prefetch(at + kPrefetchBytes + line);
        dotGroup<Rows, Blocks>(columns, at + kHeaderBytes, b, dots);
      }
      for (int b = 0; b < Blocks; ++b) {
        F32x16 scale = toFloat(load<F16x16>(group + b * kBlockBytes));
        for (int r = 0; r < Rows; ++r) {
          sums[r][b] = fma(toFloat(dots[r][b]), scale * scales[r], sums[r][b]);
          if constexpr (F == WeightFormat::i4m) {
            F32x16 minimum = toFloat(load<F16x16>(group + b * kBlockBytes + 32));
            sums[r][b] = fma(minimum, splat(scales[r] * (float)rowSums[r]), sums[r][b]);
          }
        }
      }
    }
  }

  template <int Rows, int Blocks>
  INGOT_INLINE void dotGroup(const signed char* x, const char* weight, int b, I32x16 (&dots)[Rows][Blocks]) {
    if constexpr (F == WeightFormat::i8) {
      for (int k = 0; k < kGroup; k += 4) {
        U8x64 w = load<U8x64>(weight + 16 * k);
        for (int r = 0; r < Rows; ++r) dots[r][b] = dotBiased(dots[r][b], w, splatQuad(x + r * kRowBytes + k));
      }
    } else {
      for (int k = 0; k < kGroup; k += 8) {
        U8x64 both = load<U8x64>(weight + 8 * k);
        U8x64 low = both & 15, high = (U8x64)(((U32x16)both >> 4) & 0x0f0f0f0fu);
        for (int r = 0; r < Rows; ++r) {
          dots[r][b] = dotLow(dots[r][b], low, splatQuad(x + r * kRowBytes + k));
          dots[r][b] = dotLow(dots[r][b], high, splatQuad(x + r * kRowBytes + k + 4));
        }
      }
    }
  }
};

template <WeightFormat F, bool Quantized>
struct FormatOf {
  using Type = PlainFormat<F>;
};
template <WeightFormat F>
struct FormatOf<F, true> {
  using Type = QuantizedFormat<F>;
};
using Format = FormatOf<kFormat, isQuantized(kFormat)>::Type;

}  // namespace linear
