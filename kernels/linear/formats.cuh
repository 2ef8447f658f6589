// Inner loops of linear on CUDA without tensor cores: kUnit columns of one channel, or a group of codes, are accumulated for eight rows at a time.
// A lane is a channel of the panel, so that a warp's load of weights is one cache line.
#pragma once

#include "kernels/linear/linear.spec.h"
#include "kernels/prim/float8.cuh"
#include "kernels/prim/narrow.cuh"

namespace linear {

constexpr int kRows = 8;  // rows of x accumulated at a time

// Weights of 16 or 32 bits; rows of x are f32 or narrow.
template <class C>
struct PlainFormat {
  static constexpr int kUnit = 16, kUnits = (C::kK + kUnit - 1) / kUnit;
  static constexpr long long kRowBytes = plainRowBytes<C::kNarrow>(C::kK);
  static constexpr long long kBlockBytes = blockBytes(C::kFormat, C::kK, 1);
  static constexpr int kMatrixBlocks = (int)blockCount(C::kN);

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
      for (int r = 0; r < kRows; ++r) sums[r] = fma(w, elementAt<C::kNarrow>(x[r], k), sums[r]);
    }
  }
};

// Scale of a row's group of codes, and the sum of the codes.
struct alignas(8) RowGroup {
  float scale;
  int sum;
};

// Scales of a channel's group, dot products of words of codes, and how the dot products of a unit are accumulated.
template <WeightFormat F>
struct Codes {
  typedef int Dot;
  struct Channel {
    unsigned short scale, minimum;
  };
  INGOT_INLINE Channel channelAt(const char* group, int channel) {
    const char* scales = group + channel * 2;
    return {load<unsigned short>(scales), F == WeightFormat::i4m ? load<unsigned short>(scales + 32) : (unsigned short)0};
  }
  INGOT_INLINE int dot(int w, int x, int sum) { return dotQuad(w, x, sum); }
  INGOT_INLINE void multiply(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiplyBytes(d, a, b); }
  INGOT_INLINE int productsOf(int d) { return d; }
  INGOT_INLINE void add(float& sum, int dot, Channel channel, RowGroup row) {
    if constexpr (F == WeightFormat::i4) dot -= 8 * row.sum;
    addScaled(sum, dot, halfToFloat(channel.scale), row.scale);
    if constexpr (F == WeightFormat::i4m) addMinimum(sum, halfToFloat(channel.minimum), minimumFactor(row));
  }
  INGOT_INLINE void addScaled(float& sum, int dot, float channelScale, float rowScale) { sum = fma((float)dot, channelScale * rowScale, sum); }
  INGOT_INLINE void addMinimum(float& sum, float minimum, float factor) { sum = fma(minimum, factor, sum); }
  INGOT_INLINE float minimumFactor(RowGroup row) { return row.scale * (float)row.sum; }
};
template <>
struct Codes<WeightFormat::f8> {
  typedef float Dot;
  struct Channel {
    float scale;
  };
  INGOT_INLINE Channel channelAt(const char* group, int channel) { return {load<float>(group + channel * 4)}; }
  INGOT_INLINE float dot(int w, int x, float sum) {
    for (int shift = 0; shift < 32; shift += 8) sum = fma(fromFloat8((unsigned char)(w >> shift)), fromFloat8((unsigned char)(x >> shift)), sum);
    return sum;
  }
  INGOT_INLINE void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiplyFloat8s(d, a, b); }
  INGOT_INLINE float productsOf(float d) { return d * kFloat8Unit; }
  INGOT_INLINE void add(float& sum, float dot, Channel channel, RowGroup row) { addScaled(sum, dot, channel.scale, row.scale); }
  INGOT_INLINE void addScaled(float& sum, float dot, float channelScale, float rowScale) { sum = fma(dot, channelScale * rowScale, sum); }
};
// Four signed codes from a word of the packed layout.
template <WeightFormat F>
INGOT_INLINE unsigned byteCodes(unsigned word) {
  return F == WeightFormat::i8 ? word ^ 0x80808080u : word;
}

// Weights of 4 or 8 bits in groups along k; rows of x are quantised in the same groups.
template <class C>
struct QuantizedFormat {
  static constexpr WeightFormat kFormat = C::kFormat;
  typedef Codes<kFormat> Coding;
  static constexpr int kGroup = C::kGroup, kUnitColumns = cudaUnitColumns(kFormat, kGroup), kUnits = C::kK / kUnitColumns;
  static constexpr long long kRowBytes = quantizedRowBytes(C::kK, C::kGroup, rowCodeOf(kFormat));
  static constexpr long long kBlockBytes = blockBytes(C::kFormat, C::kK, C::kGroup);
  static constexpr int kMatrixBlocks = (int)blockCount(C::kN);
  static constexpr int kBytesOfColumn = hasByteCodes(kFormat) ? 16 : 8;  // in a block of 16 channels

  INGOT_INLINE int groupOf(int unit) { return unit * kUnitColumns / kGroup; }
  INGOT_INLINE const char* groupAt(const char* block, int unit) { return block + groupOf(unit) * groupBytes(kFormat, kGroup); }
  INGOT_INLINE const char* codesAt(const char* group, int unit) {
    return group + headerBytes(kFormat) + unit * kUnitColumns % kGroup * kBytesOfColumn;
  }
  INGOT_INLINE const char* scalesOf(const char* row) { return row + C::kK; }
  INGOT_INLINE RowGroup rowGroup(const char* scales, int unit) {
    const char* at = scales + groupOf(unit) * 4ll;
    return {load<float>(at), kFormat == WeightFormat::f8 ? 0 : load<int>(at + 4 * (C::kK / kGroup))};
  }
  INGOT_INLINE void accumulate(const char* const (&x)[kRows], const char* block, int channel, int unit, float (&sums)[kRows]) {
    const char *group = groupAt(block, unit), *at = codesAt(group, unit) + channel * 4;
    typename Coding::Dot dots[kRows] = {};
    for (int k = 0; k < kUnitColumns; k += hasByteCodes(kFormat) ? 4 : 8) {
      int both = load<int>(at + k * kBytesOfColumn), low = both & 0x0f0f0f0f, high = both >> 4 & 0x0f0f0f0f;
      if constexpr (hasByteCodes(kFormat)) low = (int)byteCodes<kFormat>((unsigned)both);
      for (int r = 0; r < kRows; ++r) {
        dots[r] = Coding::dot(low, load<int>(x[r] + unit * kUnitColumns + k), dots[r]);
        if constexpr (!hasByteCodes(kFormat)) dots[r] = Coding::dot(high, load<int>(x[r] + unit * kUnitColumns + k + 4), dots[r]);
      }
    }
    for (int r = 0; r < kRows; ++r) Coding::add(sums[r], dots[r], Coding::channelAt(group, channel), rowGroup(scalesOf(x[r]), unit));
  }
};

// Accumulates units [first, last) for eight rows (larger row groups would share no loads). Sum i of a lane is row i of channel `lane`.
template <class Format>
struct ScalarLoop {
  static constexpr int kSums = kRows;
  INGOT_INLINE int rowOf(int i, int lane) { return i; }
  INGOT_INLINE int channelOf(int i, int lane) { return lane; }

  template <int Groups, bool, bool, class Source>
  INGOT_INLINE void run(const char* x, int rows, const Source& source, int first, int last, int lane, float (&sums)[Groups][kRows]) {
    static_assert(Groups == 1);
    const char* row[kRows];  // rows past the last repeat it and are not stored
    for (int r = 0; r < kRows; ++r) row[r] = x + (r < rows ? r : rows - 1) * Format::kRowBytes;
#pragma unroll 1  // full unrolling of short rows would exceed the registers
    for (int unit = first; unit < last; ++unit) Format::accumulate(row, source.block, lane % kBlockChannels, unit, sums[0]);
  }
};

}  // namespace linear
