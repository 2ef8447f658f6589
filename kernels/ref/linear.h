// Meaning of linear: the sums before its body, and the elements of a packed weight.
#pragma once

#include <cstring>

#include "kernels/linear/layout.h"
#include "kernels/ref/quantize.h"

namespace ingot::ref {

// sums[r, n] = sum over k, in ascending order, of x[r, k] * weight[n, k]; weight is row-major [channels, columns].
template <class Real, class Weight>
void linear(const Real* x, long long rows, long long columns, const Weight* weight, long long channels, Real* sums) {
  for (long long r = 0; r < rows; ++r)
    for (long long n = 0; n < channels; ++n) {
      Real sum = 0;
      for (long long k = 0; k < columns; ++k) sum += x[r * columns + k] * static_cast<Real>(weight[n * columns + k]);
      sums[r * channels + n] = sum;
    }
}

// The channel of a weight that interleaves `sums` matrices in runs of 16 which gives sum `which` of output column `n`.
constexpr long long interleavedChannel(long long n, int which, int sums) { return (n / 16 * sums + which) * 16 + n % 16; }

namespace packed {

inline float halfAt(const unsigned char* at) {
  _Float16 value;
  std::memcpy(&value, at, 2);
  return static_cast<float>(value);
}

inline float bfloatAt(const unsigned char* at) {
  unsigned short bits;
  std::memcpy(&bits, at, 2);
  unsigned wide = static_cast<unsigned>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

}  // namespace packed

// Element (n, k) of a packed matrix of `columns` columns, as kernels/linear/layout.h lays it out.
inline float weightAt(const void* matrix, WeightFormat format, int group, long long columns, long long n, long long k) {
  long long lane = n % kBlockChannels;
  const auto* block = static_cast<const unsigned char*>(matrix) + n / kBlockChannels * blockBytes(format, columns, group);
  if (format == WeightFormat::f32) {
    float value;
    std::memcpy(&value, block + (k * 16 + lane) * 4, 4);
    return value;
  }
  if (format == WeightFormat::f16) return packed::halfAt(block + (k * 16 + lane) * 2);
  if (format == WeightFormat::bf16) return packed::bfloatAt(block + (k / 2 * 32 + lane * 2 + k % 2) * 2);
  const unsigned char* at = block + k / group * groupBytes(format, group);
  long long inGroup = k % group;
  int byte = at[headerBytes(format) + inGroup / (hasByteCodes(format) ? 4 : 8) * 64 + lane * 4 + inGroup % 4];
  if (format == WeightFormat::f8) {
    float scale;
    std::memcpy(&scale, at + lane * 4, 4);
    return scale * float8Value<float>(byte);
  }
  float scale = packed::halfAt(at + lane * 2);
  if (format == WeightFormat::i8) return scale * static_cast<float>(byte - 128);
  bool affine = format == WeightFormat::i4m;
  int code = inGroup % 8 < 4 ? byte & 15 : byte >> 4;
  return affine ? scale * static_cast<float>(code) + packed::halfAt(at + 32 + lane * 2) : scale * static_cast<float>(code - 8);
}

}  // namespace ingot::ref
