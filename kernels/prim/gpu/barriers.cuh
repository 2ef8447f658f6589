// mbarriers, and the asynchronous copies that complete on them.
#pragma once

#include "kernels/prim/gpu/cluster.cuh"

// Barriers in shared memory (PTX ISA, mbarrier). A phase completes once `count` threads have arrived and all expected bytes have been copied.
// Waits name the parity of a phase.
template <int N>
struct SharedBarriers {
  ingot_u64 values[N];
};
template <int N>
INGOT_INLINE void initBarrier(SharedBarriers<N>& barriers, int i, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(&barriers.values[i])), "r"(count) : "memory");
}
// Makes initialised barriers visible to the async proxy and the cluster; threads of the block also need a barrier of the block.
INGOT_INLINE void fenceBarrierInit() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
// Arrives at the barrier of block `rank` of a cluster.
template <int Blocks, int N>
INGOT_INLINE void arrive(SharedBarriers<N>& barriers, int i, int rank) {
  if constexpr (Blocks == 1) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(sharedAddress(&barriers.values[i])) : "memory");
  else
    asm volatile("{ .reg .b32 there; mapa.shared::cluster.u32 there, %0, %1; mbarrier.arrive.shared::cluster.b64 _, [there]; }" ::"r"(
                     sharedAddress(&barriers.values[i])),
                 "r"(rank)
                 : "memory");
}
// Arrives, and adds to the bytes that copies must complete in this phase.
template <int N>
INGOT_INLINE void arriveExpectBytes(SharedBarriers<N>& barriers, int i, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(&barriers.values[i])), "r"(bytes) : "memory");
}
// Waits for the phase with this parity to complete; a fresh barrier counts as having completed an odd one.
template <int N>
INGOT_INLINE void awaitBarrier(SharedBarriers<N>& barriers, int i, unsigned parity) {
  asm volatile("{ .reg .pred over; again: mbarrier.try_wait.parity.shared::cta.b64 over, [%0], %1; @over bra end; bra again; end: }" ::"r"(
                   sharedAddress(&barriers.values[i])),
               "r"(parity)
               : "memory");
}
// Bulk copy to shared memory by one thread (PTX ISA, cp.async.bulk), of a multiple of 16 bytes; completes on a barrier.
template <int N, int B>
INGOT_INLINE void copyBytes(SharedArray<Words, N>& to, int i, const void* from, int bytes, SharedBarriers<B>& barriers, int barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(sharedAddress(&to.values[i])),
               "l"(from), "r"(bytes), "r"(sharedAddress(&barriers.values[barrier]))
               : "memory");
}
// TMA copy of a box of Rows rows by 64 columns of f16, or 128 columns of codes, with the tensor map that is the launch's last operand.
// Out-of-bounds elements are zeros. 128-byte swizzle: chunk c of row r is stored at c ^ r % 8. In a cluster it is multicast to the same offset in
// all blocks and completes on each one's barrier. Unnamed parameters are for the emulator, which has no maps.
template <int Rows, int Columns, int Blocks, int N, int B>
INGOT_INLINE void copyRows(SharedArray<Words, N>& to, int i, void* const* operands, long long, int, int row, int column, SharedBarriers<B>& barriers,
                           int barrier) {
  static_assert(Columns == 64 || Columns == 128);
  unsigned place = sharedAddress(&to.values[i]), counter = sharedAddress(&barriers.values[barrier]);
  void* map = operands[INGOT_MAX_OPERANDS - 1];
  if constexpr (Blocks == 1)
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(place), "l"(map),
                 "r"(column), "r"(row), "r"(counter)
                 : "memory");
  else
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(place),
        "l"(map), "r"(column), "r"(row), "r"(counter), "h"((unsigned short)((1 << Blocks) - 1))
        : "memory");
}
// A store that becomes visible to threads that wait for the phase in which the calling warp next arrives. (The emulator checks this.)
template <class T, int N, int B>
INGOT_INLINE void storeBeforeArrive(SharedArray<T, N>& to, int i, const T& value, SharedBarriers<B>&, int) {
  to.values[i] = value;
}
// End of the tiles that a persistent grid computes; the emulator runs a part at a time.
INGOT_INLINE int lastTile(int count) { return count; }
// Claims the next cluster tile; the first ones are implied by blockIdx. Every cluster claims until none is left, so there are as many claims as
// cluster tiles in all: the last claim resets the counter for the next launch.
static __device__ unsigned ingotClaims;
INGOT_INLINE int claimTile(int, int blocks, int clusters) {
  unsigned claim = atomicAdd(&ingotClaims, 1u);
  if ((int)claim == clusters - 1) ingotClaims = 0;
  return (int)(gridDim.x / blocks + claim);
}
// Sends a tile index to block `rank` of a cluster. The store completes four bytes on the barrier of that block (PTX ISA, st.async), which one of
// its threads must have announced by expectTile. A single block stores and arrives instead.
template <int Blocks, int N>
INGOT_INLINE void expectTile(SharedBarriers<N>& barriers, int i) {
  if constexpr (Blocks > 1) arriveExpectBytes(barriers, i, 4);
}
template <int Blocks, int N>
INGOT_INLINE void broadcastTile(SharedArray<int, N>& to, int i, int value, SharedBarriers<N>& barriers, int rank) {
  if constexpr (Blocks == 1) {
    *(volatile int*)&to.values[i] = value;
    arrive<1>(barriers, i, rank);
  } else {
    asm volatile(
        "{ .reg .b32 place, counter; mapa.shared::cluster.u32 place, %0, %3; mapa.shared::cluster.u32 counter, %1, %3;"
        " st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [place], %2, [counter]; }" ::"r"(sharedAddress(&to.values[i])),
        "r"(sharedAddress(&barriers.values[i])), "r"(value), "r"(rank)
        : "memory");
  }
}
template <int N>
INGOT_INLINE int readTile(SharedArray<int, N>& from, int i) {
  return *(volatile int*)&from.values[i];
}
// Registers per thread; all warps of a warpgroup call this (PTX ISA, setmaxnreg).
template <int Count>
INGOT_INLINE void releaseRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Count));
}
template <int Count>
INGOT_INLINE void acquireRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Count));
}
