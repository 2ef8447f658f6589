// Thread block clusters (PTX ISA, barrier.cluster) of sm_90: co-resident blocks that access each other's shared memory.
#pragma once

#include "kernels/prim/gpu/memory.cuh"

// Largest cluster that is schedulable even if each block fills a multiprocessor: the multiprocessors of the smallest GPC.
constexpr int kMaxCluster =
#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || defined(__CUDA_ARCH_FEAT_SM100_ALL) || defined(__CUDA_ARCH_FEAT_SM103_ALL)
    8;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    4;
#else
    1;
#endif

INGOT_INLINE unsigned sharedAddress(const void* shared) { return (unsigned)__cvta_generic_to_shared(shared); }
// Barrier of all threads of a cluster, with release and acquire of shared memory.
template <int Blocks>
INGOT_INLINE void syncCluster() {
  if constexpr (Blocks == 1) __syncthreads();
  else asm volatile("barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;" ::: "memory");
}
// Element i of the same array in block `rank` of the cluster.
template <int Blocks, class T, int N>
INGOT_INLINE T loadFrom(SharedArray<T, N>& from, int i, int rank) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  if constexpr (Blocks == 1) {
    return from[i];
  } else if constexpr (sizeof(T) == 4) {
    unsigned word;
    asm volatile("{ .reg .b32 there; mapa.shared::cluster.u32 there, %1, %2; ld.shared::cluster.b32 %0, [there]; }"
                 : "=r"(word)
                 : "r"(sharedAddress(&from.values[i])), "r"(rank)
                 : "memory");
    return __builtin_bit_cast(T, word);
  } else {
    ingot_u64 words;
    asm volatile("{ .reg .b32 there; mapa.shared::cluster.u32 there, %1, %2; ld.shared::cluster.b64 %0, [there]; }"
                 : "=l"(words)
                 : "r"(sharedAddress(&from.values[i])), "r"(rank)
                 : "memory");
    return __builtin_bit_cast(T, words);
  }
}
