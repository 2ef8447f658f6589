// Barriers that count arrivals and bytes, and copies that they count.
#pragma once

#include "kernels/prim/gpu/cluster.cuh"

// Barriers in shared memory (PTX ISA, mbarrier). A phase of one ends when as many threads have arrived as it counts, and as many bytes have
// come as were announced; phases are odd and even by turns.
template <int N>
struct SharedBarriers {
  ingot_u64 values[N];
};
template <int N>
INGOT_INLINE void initBarrier(SharedBarriers<N>& barriers, int i, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(&barriers.values[i])), "r"(count) : "memory");
}
// What was made of barriers is there for copies; others see it behind a barrier of the block.
INGOT_INLINE void fenceBarrierInit() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
// At the barrier of block `rank` of a cluster.
template <int Blocks, int N>
INGOT_INLINE void arrive(SharedBarriers<N>& barriers, int i, int rank) {
  if constexpr (Blocks == 1) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(sharedAddress(&barriers.values[i])) : "memory");
  else
    asm volatile("{ .reg .b32 there; mapa.shared::cluster.u32 there, %0, %1; mbarrier.arrive.shared::cluster.b64 _, [there]; }" ::"r"(
                     sharedAddress(&barriers.values[i])),
                 "r"(rank)
                 : "memory");
}
// Arrives, and says how many bytes copies will bring.
template <int N>
INGOT_INLINE void arriveExpectBytes(SharedBarriers<N>& barriers, int i, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(&barriers.values[i])), "r"(bytes) : "memory");
}
// Waits until a phase of that parity has ended; the one before the first is odd.
template <int N>
INGOT_INLINE void awaitBarrier(SharedBarriers<N>& barriers, int i, unsigned parity) {
  asm volatile("{ .reg .pred over; again: mbarrier.try_wait.parity.shared::cta.b64 over, [%0], %1; @over bra end; bra again; end: }" ::"r"(
                   sharedAddress(&barriers.values[i])),
               "r"(parity)
               : "memory");
}
// Copies to shared memory by one thread (PTX ISA, cp.async.bulk), a multiple of 16 bytes, which a barrier counts.
template <int N, int B>
INGOT_INLINE void copyBytes(SharedArray<Words, N>& to, int i, const void* from, int bytes, SharedBarriers<B>& barriers, int barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(sharedAddress(&to.values[i])),
               "l"(from), "r"(bytes), "r"(sharedAddress(&barriers.values[barrier]))
               : "memory");
}
// A box of rows, 64 columns of f16 or 128 codes of each, through the map that is the launch's last operand; what is outside of it is zeros. Chunk c
// of row r lies at c ^ r % 8 of its line. The rest is for hosts, which have no maps. It comes to the same place of every block of a cluster, and
// counts there.
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
// A store that is seen by who waits for the phase in which the thread's warp arrives.
template <class T, int N, int B>
INGOT_INLINE void storeBeforeArrive(SharedArray<T, N>& to, int i, const T& value, SharedBarriers<B>&, int) {
  to.values[i] = value;
}
// Where the tiles end that blocks take in turn; a host does a part of them at a time.
INGOT_INLINE int lastTile(int count) { return count; }
// The next of so many clusters' tiles that nobody has: at first each has its own. Every cluster that had one claims until there is none left, which
// makes as many claims as there are tiles: the last one puts the count back for the next launch.
static __device__ unsigned ingotClaims;
INGOT_INLINE int claimTile(int, int blocks, int clusters) {
  unsigned claim = atomicAdd(&ingotClaims, 1u);
  if ((int)claim == clusters - 1) ingotClaims = 0;
  return (int)(gridDim.x / blocks + claim);
}
// Tells block `rank` of a cluster a number, which is there once the barrier lets go: it counts the number's four bytes (PTX ISA, st.async, which only
// clusters have), that one thread of the block expects.
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
// The registers of a thread, for all of its warpgroup.
template <int Count>
INGOT_INLINE void releaseRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Count));
}
template <int Count>
INGOT_INLINE void acquireRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Count));
}
