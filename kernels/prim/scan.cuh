// Prefix sums of integers over a block of 32 warps. They are exact, and so independent of the order.
#pragma once

#include "kernels/prim/device.cuh"

constexpr int kScanThreads = 1024;

struct Running {
  ingot_u64 before, total;  // over the threads before this one; over all
};

INGOT_INLINE ingot_u64 warpRunning(ingot_u64 x) {
  int lane = threadIdx.x % kWarp;
  for (int distance = 1; distance < kWarp; distance *= 2) {
    ingot_u64 other = __shfl_sync(kFullWarp, x, (lane + kWarp - distance) % kWarp);
    if (lane >= distance) x += other;
  }
  return x;
}

// `sums` is scratch for this call alone; all threads call.
INGOT_INLINE Running blockRunning(ingot_u64 x, SharedArray<ingot_u64, kWarp>& sums) {
  int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  ingot_u64 inWarp = warpRunning(x);
  __syncthreads();
  if (lane == kWarp - 1) sums[warp] = inWarp;
  __syncthreads();
  ingot_u64 ofWarps = warpRunning(sums[lane]), total = __shfl_sync(kFullWarp, ofWarps, kWarp - 1);
  ingot_u64 before = __shfl_sync(kFullWarp, ofWarps, (warp + kWarp - 1) % kWarp);
  return {(warp ? before : 0) + inWarp - x, total};
}
