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

// What a channel, and a row, say of a group of codes; and how its dot product, of codes as they are stored, adds to a sum.
struct ChannelGroup {
  unsigned short scale, minimum;
};
struct alignas(8) RowGroup {
  float scale;
  int sum;
};
template <WeightFormat F>
INGOT_INLINE void addGroup(float& sum, int dot, ChannelGroup channel, RowGroup row) {
  if constexpr (F == WeightFormat::i4) dot -= 8 * row.sum;
  sum = fma((float)dot, halfToFloat(channel.scale) * row.scale, sum);
  if constexpr (F == WeightFormat::i4m) sum = fma(halfToFloat(channel.minimum), row.scale * (float)row.sum, sum);
}

// Weights of 4 or 8 bits in groups along k; x rows are quantised with the same groups.
template <class C>
struct QuantizedFormat {
  static constexpr WeightFormat kFormat = C::kFormat;
  static constexpr int kGroup = C::kGroup, kUnits = C::kK / C::kGroup;
  static constexpr long long kRowBytes = quantizedRowBytes(C::kK, C::kGroup);
  static constexpr long long kBlockBytes = blockBytes(C::kFormat, C::kK, C::kGroup);
  static constexpr int kHeaderBytes = C::kFormat == WeightFormat::i4m ? 64 : 32;

  INGOT_INLINE RowGroup rowGroup(const char* row, int unit) {
    const char* scales = row + C::kK + 4ll * unit;
    return {load<float>(scales), load<int>(scales + 4 * kUnits)};
  }
  INGOT_INLINE ChannelGroup channelGroup(const char* group, int channel) {
    const char* scales = group + channel * 2;
    return {load<unsigned short>(scales), kFormat == WeightFormat::i4m ? load<unsigned short>(scales + 32) : (unsigned short)0};
  }
  INGOT_INLINE void accumulate(const char* const (&x)[kRows], const char* block, int channel, int unit, float (&sums)[kRows]) {
    const char* group = block + unit * groupBytes(kFormat, kGroup);
    int dots[kRows] = {};
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
    for (int r = 0; r < kRows; ++r) addGroup<kFormat>(sums[r], dots[r], channelGroup(group, channel), rowGroup(x[r], unit));
  }
};

// Runs a format over units [first, last), for groups of eight rows. Sum i of a lane is row i of channel `lane`.
template <class Format>
struct ScalarLoop {
  INGOT_INLINE int rowOf(int i, int lane) { return i; }
  INGOT_INLINE int channelOf(int i, int lane) { return lane; }

  template <int Groups>
  INGOT_INLINE void run(const char* x, int rows, const char* block, int first, int last, int lane, float (&sums)[Groups][kRows]) {
#pragma unroll
    for (int group = 0; group < Groups; ++group) {
      const char* row[kRows];  // rows behind the last repeat it and are not stored
      for (int r = 0; r < kRows; ++r) row[r] = x + (group * kRows + r < rows ? group * kRows + r : rows - 1) * Format::kRowBytes;
#pragma unroll 1  // short rows, unrolled whole, would take more registers than there are
      for (int unit = first; unit < last; ++unit) Format::accumulate(row, block, lane % kBlockChannels, unit, sums[group]);
    }
  }
};

}  // namespace linear
