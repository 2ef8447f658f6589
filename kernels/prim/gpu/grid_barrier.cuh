// What a launch is to a kernel that walks a program (kernels/program/walk.cuh), which defines INGOT_WALKS: its blocks run at once, and what
// would be a launch is a turn of theirs. awaitLaunches() waits until all have ended the turn before, so that tiles need not know.
#pragma once

// What steps compute of the thread stays in their own code: a compiler that knows that it is the same in every step computes it once, ahead of all
// steps, and keeps it in registers.
struct ThreadIndex {
  unsigned x;
};
INGOT_INLINE ThreadIndex threadIndex() {
  unsigned x;
  asm("mov.u32 %0, %%tid.x;" : "=r"(x));
  return {x & 1023};
}
#define threadIdx threadIndex()

// `arrived` counts blocks that have ended a turn, from launch to launch.
struct GridBarrier {
  ingot_u64 *arrived, goal, passed;
};
INGOT_INLINE GridBarrier& gridBarrier() {
  __shared__ GridBarrier barrier;  // of thread 0 alone
  return barrier;
}
// No block goes on to another turn before this one has ended its first, so that the count says where it stood.
INGOT_INLINE void beginGridBarrier(ingot_u64* arrived) {
  if (threadIdx.x != 0) return;
  ingot_u64 now;
  asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(now) : "l"(arrived) : "memory");
  now -= now % gridDim.x;
  gridBarrier() = {arrived, now, now};
}
// The whole block calls it; its threads see each other's shared memory behind it.
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
// A host, which knows who touched shared memory, is told here that others use it from now on.
template <class T>
INGOT_INLINE void renewShared(T&) {}
