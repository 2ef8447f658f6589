// How packed matrices and quantised rows lie in memory. Shared by kernels, packers and the compiler's sizes.
//
// A matrix [n, k] is blocks of 16 output channels, each one stream over k:
//   f32, f16   per k: 16 values
//   bf16       per pair of k: 16 x 2 values
//   i8gG       per group of G k: 16 f16 scales, then per 4 k: 16 x 4 bytes, stored + 128; w = scale * (byte - 128)
//   i4gG       per group: 16 f16 scales, then per 8 k: 16 x 4 bytes, low nibble k..k+3, high k+4..k+7; w = scale * (q - 8)
//   i4mgG      per group: 16 f16 scales, 16 f16 minima, nibbles as i4; w = scale * q + minimum
//   f8gG       per group: 16 f32 scales, then per 4 k: 16 x 4 bytes of e4m3 (kernels/prim/float8.h); w = scale * value
// Channels beyond n are zero.
// They meet quantised rows: kernels/prim/quantized_row.h.
#pragma once

#include "kernels/prim/quantized_row.h"

enum class WeightFormat : int { f32, f16, bf16, i8, i4, i4m, f8 };

// What files and generated code call them; formats with groups append gG.
struct NamedWeightFormat {
  const char* name;
  WeightFormat format;
};
constexpr NamedWeightFormat kWeightFormats[] = {{"f32", WeightFormat::f32}, {"f16", WeightFormat::f16}, {"bf16", WeightFormat::bf16},
                                                {"i8", WeightFormat::i8},   {"i4", WeightFormat::i4},   {"i4m", WeightFormat::i4m},
                                                {"f8", WeightFormat::f8}};

constexpr int kBlockChannels = 16;

constexpr bool isQuantized(WeightFormat format) { return format >= WeightFormat::i8; }
constexpr bool hasByteCodes(WeightFormat format) { return format == WeightFormat::i8 || format == WeightFormat::f8; }
// The rows that a quantised format meets.
constexpr RowCode rowCodeOf(WeightFormat format) { return format == WeightFormat::f8 ? RowCode::f8 : RowCode::i8; }
constexpr int headerBytes(WeightFormat format) { return format == WeightFormat::i4m || format == WeightFormat::f8 ? 64 : 32; }

// Bytes of `group` columns (quantised), or of one column (plain), of one block of channels.
constexpr long long groupBytes(WeightFormat format, int group) {
  switch (format) {
    case WeightFormat::f32: return 64;
    case WeightFormat::f16:
    case WeightFormat::bf16: return 32;
    case WeightFormat::i8:
    case WeightFormat::f8: return headerBytes(format) + 16ll * group;
    case WeightFormat::i4:
    case WeightFormat::i4m: return headerBytes(format) + 8ll * group;
  }
  return 0;
}
constexpr long long blockBytes(WeightFormat format, long long k, int group) {
  return (isQuantized(format) ? k / group : k) * groupBytes(format, group);
}
constexpr long long blockCount(long long n) { return (n + kBlockChannels - 1) / kBlockChannels; }
constexpr long long packedBytes(WeightFormat format, long long n, long long k, int group) { return blockCount(n) * blockBytes(format, k, group); }
