// What a launch is: its threads, its shared memory, its entry, and when it begins.
#pragma once

#include "kernels/abi/abi.h"

// Of the GPUs that tiles are shared out for. Others run them all the same.
constexpr int kMultiprocessors = 132;

// The threads of a tile, which may be the first ones of a larger block, wait for each other.
template <int Threads>
INGOT_INLINE void syncTile() {
  asm volatile("bar.sync 1, %0;" ::"n"(Threads) : "memory");
}

// A thread's warp: the same in every lane, which the compiler then knows.
INGOT_INLINE int warpOf(unsigned thread) { return __shfl_sync(kFullWarp, (int)thread / kWarp, 0); }

// A launch may begin while the one before it ends (PTX ISA, griddepcontrol): what it reads of other launches' results comes behind
// awaitLaunches(). Every block calls both, so that a launch which has ended says that all before it have.
INGOT_INLINE void allowNextLaunch() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
#ifdef INGOT_WALKS
#include "kernels/prim/gpu/grid_barrier.cuh"
#else
INGOT_INLINE void awaitLaunches() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
#endif

template <class Tile>
constexpr int minBlocksOf() {
  if constexpr (requires { Tile::kMinBlocks; }) return Tile::kMinBlocks;
  else return 0;
}

// Shared memory of a launch, which a Tile with kDynamicBytes takes: more than a kernel may have of its own.
extern __shared__ __align__(1024) char ingotDynamicShared[];
template <class Tile>
INGOT_INLINE typename Tile::Storage& storageOf() {
  if constexpr (requires { Tile::kDynamicBytes; }) {
    static_assert(sizeof(typename Tile::Storage) <= Tile::kDynamicBytes);
    return *(typename Tile::Storage*)ingotDynamicShared;
  } else {
    __shared__ typename Tile::Storage storage;
    return storage;
  }
}

// A Tile with kCluster has neighbours in clusters of so many blocks (sm_90 and later); its count is a multiple of that.
#define INGOT_KERNEL(symbol, ...) INGOT_KERNEL_WITH(, symbol, __VA_ARGS__)
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define INGOT_CLUSTER_KERNEL(symbol, ...) INGOT_KERNEL_WITH(__cluster_dims__(__VA_ARGS__::kCluster, 1, 1), symbol, __VA_ARGS__)
#else
#define INGOT_CLUSTER_KERNEL(symbol, ...) INGOT_KERNEL(symbol, __VA_ARGS__)
#endif
#define INGOT_KERNEL_WITH(attribute, symbol, ...)                                                           \
  extern "C" __global__ void attribute __launch_bounds__(__VA_ARGS__::kThreads, minBlocksOf<__VA_ARGS__>()) \
      symbol(const IngotBatch* batch, const IngotOperands operands) {                                       \
    auto& storage = storageOf<__VA_ARGS__>();                                                               \
    allowNextLaunch();                                                                                      \
    prefetchTile<__VA_ARGS__>(*batch, operands.at, (int)blockIdx.x, storage);                               \
    bool isTile = (int)blockIdx.x < maxTilesOf<__VA_ARGS__>(*batch);                                        \
    if (!isTile || !awaitsLaunchesItself<__VA_ARGS__>()) awaitLaunches();                                   \
    if (isTile) __VA_ARGS__::run(*batch, operands.at, (int)blockIdx.x, storage);                            \
  }
