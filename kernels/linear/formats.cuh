// The inner loops of linear on CUDA, one struct a weight format: one unit of k (a group, or 16 columns) of one channel,
// added to the sums of kRows rows. Threads of a warp are 32 neighbouring channels, so that a weight load is one line.
#pragma once

#include "kernels/linear/layout.h"
#include "kernels/prim/device.cuh"

namespace linear {

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

  template <int Rows>
  INGOT_INLINE void accumulate(const char* const (&x)[Rows], const char* block, int channel, int unit, float (&sums)[Rows]) {
    for (int i = 0; i < kUnit; ++i) {
      int k = unit * kUnit + i;
      if (C::kK % kUnit != 0 && k >= C::kK) break;
      float w = weight(block, k, channel);
      for (int r = 0; r < Rows; ++r) sums[r] = fma(w, load<float>(x[r] + k * 4ll), sums[r]);
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

  template <int Rows>
  INGOT_INLINE void accumulate(const char* const (&x)[Rows], const char* block, int channel, int unit, float (&sums)[Rows]) {
    const char* group = block + unit * groupBytes(kFormat, kGroup);
    int dots[Rows], rowSums[Rows];
    for (int r = 0; r < Rows; ++r) {
      rowSums[r] = load<int>(x[r] + C::kK + 4 * kUnits + 4ll * unit);
      dots[r] = kFormat == WeightFormat::i4 ? -8 * rowSums[r] : 0;
    }
    for (int k = 0; k < kGroup; k += kFormat == WeightFormat::i8 ? 4 : 8) {
      const char* at = group + kHeaderBytes + channel * 4;
      if constexpr (kFormat == WeightFormat::i8) {
        int w = load<int>(at + k * 16) ^ (int)0x80808080u;
        for (int r = 0; r < Rows; ++r) dots[r] = dotQuad(w, load<int>(x[r] + unit * kGroup + k), dots[r]);
      } else {
        int both = load<int>(at + k * 8), low = both & 0x0f0f0f0f, high = both >> 4 & 0x0f0f0f0f;
        for (int r = 0; r < Rows; ++r) {
          dots[r] = dotQuad(low, load<int>(x[r] + unit * kGroup + k), dots[r]);
          dots[r] = dotQuad(high, load<int>(x[r] + unit * kGroup + k + 4), dots[r]);
        }
      }
    }
    float scale = halfToFloat(load<unsigned short>(group + channel * 2));
    for (int r = 0; r < Rows; ++r) {
      float rowScale = load<float>(x[r] + C::kK + 4ll * unit);
      sums[r] = fma((float)dots[r], scale * rowScale, sums[r]);
      if constexpr (kFormat == WeightFormat::i4m)
        sums[r] = fma(halfToFloat(load<unsigned short>(group + 32 + channel * 2)), rowScale * (float)rowSums[r], sums[r]);
    }
  }
};

template <class C, bool Quantized>
struct FormatOf {
  typedef PlainFormat<C> Type;
};
template <class C>
struct FormatOf<C, true> {
  typedef QuantizedFormat<C> Type;
};

}  // namespace linear
