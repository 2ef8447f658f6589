// What CUDA kernels use beyond C++: shared memory, warp reductions, conversions, 8-bit dot products, fast exponentials, and the kernel entry.
// All PTX is in gpu/. tests/simt defines the same names for a host, with INGOT_SIMT.
//
// A kernel is a template `Tile<Constants>`, of which a block computes one tile:
//   kThreads, Storage         block size, and the type of its shared memory
//   count(batch), run(...)    number of tiles, and the computation of one
//   kMinBlocks                optional: blocks per multiprocessor (__launch_bounds__), which bounds registers. 0: none; ptxas then picks a bound
//                             of its own, and occasionally spills to meet it
//   prefetch(batch, operands, index, storage)
//                             optional: starts loads of data that no launch writes, before earlier launches have ended. Called for every tile; run()
//                             waits for its copies to `storage`
//   kAwaits                   optional: run() calls awaitLaunches() itself, after its loads of data that no launch writes (weights, tables, batch)
//   kPersistent               optional: a grid of co-resident blocks computes all tiles; maxCount(batch), a cheap upper bound of count, tells blocks
//                             without a first tile
// Contraction is off (NVRTC's --fmad=false): a fused multiply-add is written fma().
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/prim/words.h"

#ifndef INGOT_SIMT
// A union of shared-memory layouts, of which a tile uses one at a time. The emulator keeps them apart, since it tracks accesses by member.
#define INGOT_SHARED_UNION union
#define INGOT_INLINE static __device__ __forceinline__
#define INGOT_MEMBER __device__ __forceinline__
#include "kernels/prim/gpu/cluster.cuh"
#include "kernels/prim/gpu/launch.cuh"
#include "kernels/prim/gpu/matrix.cuh"
#include "kernels/prim/gpu/memory.cuh"
#include "kernels/prim/gpu/numbers.cuh"
#endif

template <class Tile>
constexpr bool awaitsLaunchesItself() {
  if constexpr (requires { Tile::kAwaits; }) return Tile::kAwaits;
  else return false;
}

template <class Tile>
INGOT_INLINE int maxTilesOf(const IngotBatch& batch) {
  if constexpr (requires { Tile::maxCount(batch); }) return Tile::maxCount(batch);
  else return Tile::count(batch);
}

template <class Tile>
INGOT_INLINE void prefetchTile(const IngotBatch& batch, void* const* operands, int index, typename Tile::Storage& storage) {
  if constexpr (requires { Tile::prefetch(batch, operands, index, storage); }) Tile::prefetch(batch, operands, index, storage);
}

INGOT_INLINE float infinity() { return asFloat(0x7f800000u); }

// Sums and maxima over `Lanes` neighbouring lanes, a power of two, by a fixed butterfly; every lane gets the result.
template <int Lanes = kWarp>
INGOT_INLINE float warpSum(float x) {
  for (int distance = Lanes / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(kFullWarp, x, distance);
  return x;
}
template <int Lanes = kWarp>
INGOT_INLINE int warpSum(int x) {
  for (int distance = Lanes / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(kFullWarp, x, distance);
  return x;
}
template <int Lanes = kWarp>
INGOT_INLINE float warpMaximum(float x) {
  for (int distance = Lanes / 2; distance > 0; distance /= 2) {
    float other = __shfl_xor_sync(kFullWarp, x, distance);
    x = other > x ? other : x;
  }
  return x;
}

// bf16 as the upper half of f32, rounded to nearest even on narrowing.
INGOT_INLINE float bfloatToFloat(unsigned short x) { return asFloat((unsigned)x << 16); }
INGOT_INLINE unsigned short floatToBfloat(float x) {
  unsigned bits = asBits(x);
  return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
