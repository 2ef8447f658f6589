// A barrier of all blocks of the persistent kernel (kernels/program/walk.cuh, which defines INGOT_WALKS). awaitLaunches(), which other kernels use
// to wait for earlier launches, waits here until all blocks have finished the previous step, so that tiles work in both kinds of kernel.
#pragma once

// Hides thread indices from the optimiser: otherwise it would hoist what each step computes from them out of the step loop, and keep it in
// registers.
struct ThreadIndex {
  unsigned x;
};
INGOT_INLINE ThreadIndex threadIndex() {
  unsigned x;
  asm("mov.u32 %0, %%tid.x;" : "=r"(x));
  return {x & 1023};
}
#define threadIdx threadIndex()

// `arrived` counts arrivals of blocks over all launches; `goal` is its value when the barrier completes; `passed` is the last value that was read.
struct GridBarrier {
  ingot_u64 *arrived, goal, passed;
};
INGOT_INLINE GridBarrier& gridBarrier() {
  __shared__ GridBarrier barrier;  // used by thread 0 only
  return barrier;
}
// No block can arrive a second time before this one has arrived once, so rounding down gives the count at the start of the launch.
INGOT_INLINE void beginGridBarrier(ingot_u64* arrived) {
  if (threadIdx.x != 0) return;
  ingot_u64 now;
  asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(now) : "l"(arrived) : "memory");
  now -= now % gridDim.x;
  gridBarrier() = {arrived, now, now};
}
// All threads of the block call this, which also orders their accesses to shared memory.
INGOT_INLINE void arriveAtGrid() {
  __syncthreads();
  if (threadIdx.x != 0) return;
  GridBarrier& barrier = gridBarrier();
  barrier.goal += gridDim.x;
  asm volatile("red.release.gpu.global.add.u64 [%0], 1;" ::"l"(barrier.arrived) : "memory");
}
INGOT_INLINE void awaitLaunches() {
  if (threadIdx.x == 0) {
    GridBarrier& barrier = gridBarrier();
    ingot_u64 now = barrier.passed;
    while (now < barrier.goal) asm volatile("ld.acquire.gpu.global.u64 %0, [%1];" : "=l"(now) : "l"(barrier.arrived) : "memory");
    barrier.passed = now;
  }
  asm volatile("bar.sync 2;" ::: "memory");
}
// Tells the emulator that shared memory is reused for another purpose.
template <class T>
INGOT_INLINE void renewShared(T&) {}
