// The kernel entry: launch bounds, shared memory, and programmatic dependent launch.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/prim/constants.h"

// For which row tiles are divided; the emulator has fewer.
constexpr int kMultiprocessors = kTunedMultiprocessors;

// Barrier of the first `Threads` threads of a block.
template <int Threads>
INGOT_INLINE void syncTile() {
  asm volatile("bar.sync 1, %0;" ::"n"(Threads) : "memory");
}

// A thread's warp index, as a warp-uniform value for the compiler.
INGOT_INLINE int warpOf(unsigned thread) { return __shfl_sync(kFullWarp, (int)thread / kWarp, 0); }

// Programmatic dependent launch (PTX ISA, griddepcontrol): a launch may start while the previous one ends. Results of earlier launches may only be
// read after awaitLaunches(). Every block calls both functions, so a completed launch implies that all earlier ones have completed.
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

// Dynamic shared memory for Tiles with kDynamicBytes, which exceed the static limit.
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

// A Tile with kCluster is launched in clusters of that many blocks (sm_90 and later); its count is a multiple of it.
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
