// CUDA on a host: implements the names of kernels/prim/device.cuh without a GPU. A block's threads are fibers on stacks in the kernel's scratch; each
// runs until it waits for others. Freestanding, with no writable data but scratch.
//
// Reported on standard error with kernel, block and thread, followed by a trap: races on shared memory, out-of-bounds accesses, reads of
// uninitialised data or of copies in flight, barriers that not all threads reach, mixed collectives in one warp, stack overflow. Shared memory starts
// poisoned, and the order of warps and threads changes from block to block.
#pragma once

#define INGOT_SIMT 1
#define INGOT_SHARED_UNION struct
#define INGOT_INLINE static inline __attribute__((always_inline))
#define INGOT_MEMBER inline __attribute__((always_inline))
#define __device__
#define __forceinline__ inline __attribute__((always_inline))

#pragma STDC FP_CONTRACT OFF

#include "kernels/abi/abi.h"
#include "tests/simt/barriers.h"
#include "tests/simt/copies.h"
#include "tests/simt/matrix.h"
#include "tests/simt/memory.h"
#include "tests/simt/numbers.h"
#include "tests/simt/products.h"
#include "tests/simt/shared.h"
#include "tests/simt/warp.h"

#define threadIdx (simt::self().threadIndex)
#define blockIdx (simt::self().block->blockIndex)
#define gridDim (simt::self().block->gridSize)
constexpr int kMultiprocessors = 2;  // so that some hundreds of rows have tiles of every kind
INGOT_INLINE void __syncthreads() { simt::self().wait(simt::Waiting::block, "__syncthreads"); }
template <int Threads>
INGOT_INLINE void syncTile() {
  simt::self().block->tileThreads = Threads;
  simt::self().wait(simt::Waiting::tile, "syncTile");
}
#ifdef INGOT_SIMT_WITHOUT_WARPGROUPS
constexpr int kMaxCluster = 1;
#else
constexpr int kMaxCluster = 8;
#endif
template <int Blocks>
INGOT_INLINE void syncCluster() {
  simt::self().wait(Blocks == 1 ? simt::Waiting::block : simt::Waiting::cluster, "syncCluster");
}
INGOT_INLINE void beginGridBarrier(ingot_u64*) { simt::self().hasArrivedAtGrid = false; }
INGOT_INLINE void arriveAtGrid() {
  __syncthreads();
  simt::self().hasArrivedAtGrid = true;
}
#ifdef INGOT_WALKS
INGOT_INLINE void awaitLaunches() {
  if (simt::self().hasArrivedAtGrid) simt::self().wait(simt::Waiting::grid, "awaitLaunches");
  simt::self().hasArrivedAtGrid = false;
}
#else
INGOT_INLINE void awaitLaunches() {
  simt::self().block->awaits = true;
  simt::self().wait(simt::Waiting::launches, "awaitLaunches");
}
#endif
template <class T>
INGOT_INLINE void renewShared(T& shared) {
  __syncthreads();
  if (threadIdx.x == 0) simt::poison(&shared, sizeof shared);
  __syncthreads();
}
// Host threads may run different blocks of a launch concurrently.
INGOT_INLINE void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
INGOT_INLINE int atomicAdd(int* to, int value) { return __atomic_fetch_add(to, value, __ATOMIC_SEQ_CST); }

#include "tests/simt/launch.h"

#define INGOT_KERNEL(symbol, ...)                                                                       \
  extern "C" void symbol(const IngotKernelArgs* args, ingot_i64 first, ingot_i64 last, void* scratch) { \
    simt::runBlocks<__VA_ARGS__>(#symbol, args, first, last, scratch);                                  \
  }
#define INGOT_CLUSTER_KERNEL INGOT_KERNEL
