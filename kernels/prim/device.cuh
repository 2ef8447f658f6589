// What CUDA kernels use beyond C++: shared memory, warp sums, conversions, 8-bit dot products, fast powers, and the entry that
// the driver launches. Nearly all PTX of ours is in gpu/. tests/simt gives the same names on a host, where INGOT_SIMT is defined.
//
// A kernel is a template `Tile<Constants>` with kThreads, Storage (its shared memory), count(batch) and run(...), which computes
// one tile with one block. kMinBlocks, where a Tile has it and it is not 0, is how many blocks a multiprocessor must have room for,
// which bounds a thread's registers; without it ptxas takes a bound of its own, and now and then spills to keep to it. A Tile that has
// prefetch(batch, operands, index, storage) asks there for what no launch writes, before those before it have ended; it runs before every
// tile, and what it put on its way into storage arrives in run(). One that has kAwaits calls awaitLaunches() itself, behind its loads of
// what no launch writes: weights, tables and the batch. One whose blocks take turns may have maxCount(batch), which is no less than count(batch) and
// faster found: blocks beyond have no tile. Contraction is off (NVRTC's --fmad=false): a fused multiply-add is written fma().
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/prim/words.h"

#ifndef INGOT_SIMT
// Shared memory of which a tile uses one member. A host keeps them apart, since it knows who touched what.
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

// Sums and maxima over the lanes of a warp by one fixed tree; every lane gets them. `Lanes` neighbours, a power of two.
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

// bf16 as the upper half of f32, rounded to nearest even on the way in.
INGOT_INLINE float bfloatToFloat(unsigned short x) { return asFloat((unsigned)x << 16); }
INGOT_INLINE unsigned short floatToBfloat(float x) {
  unsigned bits = asBits(x);
  return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
