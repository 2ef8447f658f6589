// The inner loops of linear on CUDA without tensor cores: kUnit columns of one channel, or a group of them, at a time, added to
// the sums of eight rows. A lane is a channel of the panel, so that a warp's weight load is one line.
#pragma once

#include "kernels/linear/layout.h"
#include "kernels/prim/device.cuh"

namespace linear {

constexpr int kRows = 8;  // rows of x that sums are kept of at once

// Weights of 2 or 4 bytes; x rows are f32.
template <class C>
struct PlainFormat {
  static constexpr int kUnit = 16, kUnits = (C::kK + kUnit - 1) / kUnit;
  static constexpr long long kRowBytes = paddedColumns(C::kK) * 4;
  static constexpr long long kBlockBytes = blockBytes(C::kFormat, C::kK, 1);

  INGOT_INLINE float weight(const char* block, int k, int channel) {
    if constexpr (C::kFormat == WeightFormat::f32) return load<float>(block + (k * 16ll + channel) * 4);
    else if constexpr (C::kFormat == WeightFormat::f16) return halfToFloat(load<unsigned short>(block + (k * 16ll + channel) * 2));
    else return bfloatToFloat(load<unsigned short>(block + (k / 2 * 32ll + channel * 2 + k % 2) * 2));
  }

  INGOT_INLINE void accumulate(const char* const (&x)[kRows], const char* block, int channel, int unit, float (&sums)[kRows]) {
    for (int i = 0; i < kUnit; ++i) {
      int k = unit * kUnit + i;
      if (C::kK % kUnit != 0 && k >= C::kK) break;
      float w = weight(block, k, channel);
      for (int r = 0; r < kRows; ++r) sums[r] = fma(w, load<float>(x[r] + k * 4ll), sums[r]);
    }
  }
};

// Weights of 4 or 8 bits in groups along k; x rows are quantised with the same groups.
template <class C>
struct QuantizedFormat {
  static constexpr WeightFormat kFormat = C::kFormat;
  static constexpr int kGroup = C::kGroup, kUnits = C::kK / C::kGroup;
  static constexpr long long kRowBytes = quantizedRowBytes(C::kK, C::kGroup);
  static constexpr long long kBlockBytes = blockBytes(C::kFormat, C::kK, C::kGroup);
  static constexpr int kHeaderBytes = C::kFormat == WeightFormat::i4m ? 64 : 32;

  INGOT_INLINE float rowScale(const char* row, int unit) { return load<float>(row + C::kK + 4ll * unit); }
  INGOT_INLINE int rowSum(const char* row, int unit) { return load<int>(row + C::kK + 4 * kUnits + 4ll * unit); }
  // What a dot product of stored codes lacks.
  INGOT_INLINE int seed(int sum) { return kFormat == WeightFormat::i4 ? -8 * sum : 0; }

  INGOT_INLINE void accumulate(const char* const (&x)[kRows], const char* block, int channel, int unit, float (&sums)[kRows]) {
    const char* group = block + unit * groupBytes(kFormat, kGroup);
    int dots[kRows];
    for (int r = 0; r < kRows; ++r) dots[r] = seed(rowSum(x[r], unit));
    for (int k = 0; k < kGroup; k += kFormat == WeightFormat::i8 ? 4 : 8) {
      const char* at = group + kHeaderBytes + channel * 4;
      if constexpr (kFormat == WeightFormat::i8) {
        int w = load<int>(at + k * 16) ^ (int)0x80808080u;
        for (int r = 0; r < kRows; ++r) dots[r] = dotQuad(w, load<int>(x[r] + unit * kGroup + k), dots[r]);
      } else {
        int both = load<int>(at + k * 8), low = both & 0x0f0f0f0f, high = both >> 4 & 0x0f0f0f0f;
        for (int r = 0; r < kRows; ++r) {
          dots[r] = dotQuad(low, load<int>(x[r] + unit * kGroup + k), dots[r]);
          dots[r] = dotQuad(high, load<int>(x[r] + unit * kGroup + k + 4), dots[r]);
        }
      }
    }
    float scale = halfToFloat(load<unsigned short>(group + channel * 2));
    for (int r = 0; r < kRows; ++r) {
      float xScale = rowScale(x[r], unit);
      sums[r] = fma((float)dots[r], scale * xScale, sums[r]);
      if constexpr (kFormat == WeightFormat::i4m)
        sums[r] = fma(halfToFloat(load<unsigned short>(group + 32 + channel * 2)), xScale * (float)rowSum(x[r], unit), sums[r]);
    }
  }
};

// Runs a format over the units of one warp, for groups of eight rows. Sum i of a lane is row i of channel `lane`.
template <class Format, int Warps>
struct ScalarLoop {
  INGOT_INLINE int rowOf(int i, int lane) { return i; }
  INGOT_INLINE int channelOf(int i, int lane) { return lane; }

  template <int Groups>
  INGOT_INLINE void run(const char* x, int rows, const char* block, int warp, int lane, float (&sums)[Groups][kRows]) {
#pragma unroll
    for (int group = 0; group < Groups; ++group) {
      const char* row[kRows];  // rows behind the last repeat it and are not stored
      for (int r = 0; r < kRows; ++r) row[r] = x + (group * kRows + r < rows ? group * kRows + r : rows - 1) * Format::kRowBytes;
      for (int unit = warp; unit < Format::kUnits; unit += Warps) Format::accumulate(row, block, lane % kBlockChannels, unit, sums[group]);
    }
  }
};

}  // namespace linear
