// The most likely token of each row of logits, the lowest id where several are: as runtime/sample's argmax. -1 where no logit is over
// minus infinity. Tile r is a row. Constants: kColumns. Operands: logits, ids.
#pragma once

#include "kernels/prim/device.cuh"
#include "kernels/sample/argmax.spec.h"

namespace argmax {

template <class C>
struct Tile {
  static constexpr int kThreads = kCudaArgmaxThreads, kWarps = kThreads / kWarp;
  static constexpr int kColumns = C::kColumns, kFours = kColumns / 4, kStride = (kColumns + 15) / 16 * 16;
  struct Storage {
    SharedArray<float, kWarps> values;
    SharedArray<int, kWarps> ids;
  };
  struct Best {
    float value;
    int id;
    // NaN is never better.
    INGOT_MEMBER void take(float otherValue, int otherId) {
      if (otherValue > value || (otherValue == value && otherId < id)) value = otherValue, id = otherId;
    }
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_rows; }

  INGOT_INLINE Best bestOfWarp(Best best) {
    for (int distance = kWarp / 2; distance > 0; distance /= 2) {
      float value = __shfl_xor_sync(kFullWarp, best.value, distance);
      int id = __shfl_xor_sync(kFullWarp, best.id, distance);
      best.take(value, id);
    }
    return best;
  }

  INGOT_INLINE void run(const IngotBatch&, void* const* operands, int row, Storage& storage) {
    const float* logits = (const float*)operands[0] + (long long)row * kStride;
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
    Best best{-infinity(), -1};
#pragma unroll 8
    for (int i = threadIdx.x; i < kFours; i += kThreads) {
      FourFloats four = load<FourFloats>(logits + i * 4);
      for (int c = 0; c < 4; ++c)
        if (four.at[c] > best.value) best = {four.at[c], i * 4 + c};
    }
    for (int i = kFours * 4 + threadIdx.x; i < kColumns; i += kThreads)
      if (logits[i] > best.value) best = {logits[i], i};
    best = bestOfWarp(best);
    if (lane == 0) {
      storage.values[warp] = best.value;
      storage.ids[warp] = best.id;
    }
    __syncthreads();
    if (warp > 0) return;
    best = lane < kWarps ? Best{storage.values[lane], storage.ids[lane]} : Best{-infinity(), -1};
    best = bestOfWarp(best);
    if (lane == 0) ((int*)operands[1])[row] = best.id;
  }
};

}  // namespace argmax
