// A whole program by one launch whose blocks all run at once: every block computes its share of a step's tiles, then waits for the
// others. Tiles are those that the steps' own kernels compute, so their bits are the same. Operands: the steps (kernels/abi/program.h),
// and a counter that is 0 before the first launch and then stays with the kernel.
#pragma once

#include "kernels/abi/program.h"
#include "kernels/prim/device.cuh"

namespace program {

template <class T>
constexpr T largest(T first) {
  return first;
}
template <class T, class... Others>
constexpr T largest(T first, Others... others) {
  T other = largest((T)others...);
  return first > other ? first : other;
}

// The Tile of kernel i is the i-th one.
template <class... Tiles>
struct Walk {
  static constexpr bool kAtOnce = true;
  static constexpr int kThreads = largest(Tiles::kThreads...), kMinBlocks = 1;
  struct alignas(16) Storage {
    char bytes[largest(sizeof(typename Tiles::Storage)...)];
  };

  INGOT_INLINE int count(const IngotBatch&) { return (int)gridDim.x; }

  // A step of fewer threads leaves the others of the block idle.
  template <class Tile>
  INGOT_INLINE void runTiles(const IngotBatch& batch, const IngotStep& step, Storage& storage) {
    const IngotOperands operands = step.operands;
    if (threadIdx.x >= Tile::kThreads) return;
    for (int tile = (int)blockIdx.x; tile < Tile::count(batch); tile += (int)gridDim.x) {
      Tile::run(batch, operands.at, tile, (typename Tile::Storage&)storage);
      syncTile<Tile::kThreads>();
    }
  }
  template <class Tile>
  INGOT_INLINE void prefetch(const IngotBatch& batch, const IngotStep& step) {
    const IngotOperands operands = step.operands;
    if (threadIdx.x < Tile::kThreads) prefetchTile<Tile>(batch, operands.at, (int)blockIdx.x);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int, Storage& storage) {
    for (const IngotStep* step = (const IngotStep*)operands[0]; step->kernel >= 0; ++step) {
      int kernel = 0, next = 0;
      ((step->kernel == kernel++ ? runTiles<Tiles>(batch, *step, storage) : void()), ...);
      ((step[1].kernel == next++ ? prefetch<Tiles>(batch, step[1]) : void()), ...);
      syncGrid((ingot_u64*)operands[1]);
    }
  }
};

}  // namespace program
