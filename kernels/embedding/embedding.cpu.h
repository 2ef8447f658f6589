// y[t, :] = table[id, :], id = token_ids[t] or positions[t], plus kOffset. Tile t is a token. Prelude: kN kK kFormat kGroup kPlain (row-major f32
// instead of blocks) kOffset kPositions. Operands: table, y. The caller guarantees 0 <= id < kN.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/linear/layout.h"
#include "kernels/prim/float8.h"

namespace embedding {

template <class T>
INGOT_INLINE T at(const char* base, long long index) {
  return load<T>(base + index * (long long)sizeof(T));
}

// Element (n, k) of the block that holds channel n.
INGOT_INLINE float element(const char* block, long long lane, long long k) {
  if constexpr (kFormat == WeightFormat::f32) return at<float>(block, k * 16 + lane);
  if constexpr (kFormat == WeightFormat::f16) return (float)at<_Float16>(block, k * 16 + lane);
  if constexpr (kFormat == WeightFormat::bf16) {
    unsigned bits = (unsigned)at<unsigned short>(block, (k / 2) * 32 + lane * 2 + k % 2) << 16;
    return load<float>(&bits);
  }
  const char* group = block + k / kGroup * groupBytes(kFormat, kGroup);
  long long inGroup = k % kGroup;
  int byte = at<unsigned char>(group + headerBytes(kFormat), inGroup / (hasByteCodes(kFormat) ? 4 : 8) * 64 + lane * 4 + inGroup % 4);
  if constexpr (kFormat == WeightFormat::f8) return at<float>(group, lane) * fromFloat8(U8x16{(unsigned char)byte})[0];
  float scale = (float)at<_Float16>(group, lane);
  if constexpr (kFormat == WeightFormat::i8) return scale * (float)(byte - 128);
  int q = inGroup % 8 < 4 ? byte & 15 : byte >> 4;
  if constexpr (kFormat == WeightFormat::i4m) return __builtin_fmaf(scale, (float)q, (float)at<_Float16>(group + 32, lane));
  return scale * (float)(q - 8);
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last) {
  const char* table = (const char*)args->operands[0];
  constexpr long long kStride = paddedColumns(kK);
  for (long long t = first; t < last; ++t) {
    long long id = (kPositions ? args->batch->positions[t] : args->batch->token_ids[t]) + kOffset;
    float* y = (float*)args->operands[1] + t * kStride;
    if constexpr (kPlain) {
      for (long long k = 0; k < kK; ++k) y[k] = ((const float*)table)[id * kK + k];
    } else {
      const char* block = table + id / 16 * blockBytes(kFormat, kK, kGroup);
      for (long long k = 0; k < kK; ++k) y[k] = element(block, id % 16, k);
    }
    for (long long k = kK; k < kStride; ++k) y[k] = 0;
  }
}

}  // namespace embedding
