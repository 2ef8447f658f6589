// y[t, :] = table[id, :], id = token_ids[t] or positions[t], plus kOffset. Tiles are some columns of a token; all tiles of a token come before the
// next one's. Constants and operands as in embedding.cpu.h. The caller guarantees 0 <= id < kN, or a token that the previous batch chose.
#pragma once

#include "kernels/embedding/embedding.spec.h"
#include "kernels/linear/layout.h"
#include "kernels/prim/float8.cuh"

namespace embedding {

template <class C>
struct Tile {
  static constexpr int kThreads = kCudaEmbeddingThreads, kTiles = cudaEmbeddingTiles(C::kK);
  static constexpr bool kAwaits = true;
  struct Storage {};

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_tokens * kTiles; }

  template <class T>
  INGOT_INLINE T at(const char* base, long long index) {
    return load<T>(base + index * (long long)sizeof(T));
  }

  // Element (lane, k) of the block that holds the id.
  INGOT_INLINE float element(const char* block, int lane, long long k) {
    if constexpr (C::kFormat == WeightFormat::f32) return at<float>(block, k * 16 + lane);
    if constexpr (C::kFormat == WeightFormat::f16) return halfToFloat(at<unsigned short>(block, k * 16 + lane));
    if constexpr (C::kFormat == WeightFormat::bf16) return bfloatToFloat(at<unsigned short>(block, k / 2 * 32 + lane * 2 + k % 2));
    if constexpr (isQuantized(C::kFormat)) {
      const char* group = block + k / C::kGroup * groupBytes(C::kFormat, C::kGroup);
      int inGroup = (int)(k % C::kGroup);
      int byte = at<unsigned char>(group + headerBytes(C::kFormat), inGroup / (hasByteCodes(C::kFormat) ? 4 : 8) * 64 + lane * 4 + inGroup % 4);
      if constexpr (C::kFormat == WeightFormat::f8) return at<float>(group, lane) * fromFloat8((unsigned char)byte);
      float scale = halfToFloat(at<unsigned short>(group, lane));
      if constexpr (C::kFormat == WeightFormat::i8) return scale * (float)(byte - 128);
      int q = inGroup % 8 < 4 ? byte & 15 : byte >> 4;
      if constexpr (C::kFormat == WeightFormat::i4m) return fma(scale, (float)q, halfToFloat(at<unsigned short>(group + 32, lane)));
      return scale * (float)(q - 8);
    }
    return 0;
  }

  INGOT_INLINE float valueAt(const char* table, long long id, long long k) {
    if (k >= C::kK) return 0;
    if constexpr (C::kPlain) return ((const float*)table)[id * C::kK + k];
    else return element(table + id / 16 * blockBytes(C::kFormat, C::kK, C::kGroup), (int)(id % 16), k);
  }

  // Resolves a token that the previous batch chose, and stores the id for later kernels. If it chose none, the result is not used.
  INGOT_INLINE int idOf(const IngotBatch& batch, int token) {
    if constexpr (C::kPositions) {
      return batch.positions[token];
    } else {
      int id = batch.token_ids[token];
      if (id >= 0) return id;
      id = batch.chosen[~id];
      return batch.token_ids[token] = id < 0 ? 0 : id;
    }
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage&) {
    constexpr long long kStride = paddedColumns(C::kK);
    int token = index / kTiles, k = index % kTiles * kCudaEmbeddingColumns + 2 * threadIdx.x;
    long long id = idOf(batch, token) + C::kOffset;
    const char* table = (const char*)operands[0];
    TwoFloats values{{valueAt(table, id, k), valueAt(table, id, k + 1)}};
    awaitLaunches();
    if (k < kStride) store((float*)operands[1] + token * kStride + k, values);
  }
};

}  // namespace embedding
