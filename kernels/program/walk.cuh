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

  // A step of fewer threads leaves the others of the block idle. The first tile was begun before the step was.
  template <class Tile>
  INGOT_INLINE void runTiles(const IngotBatch& batch, const IngotStep& step, Storage& storage) {
    const IngotOperands operands = step.operands;
    if (threadIdx.x >= Tile::kThreads) return;
    for (int tile = (int)blockIdx.x; tile < Tile::count(batch); tile += (int)gridDim.x) {
      if (tile >= (int)gridDim.x) prefetchTile<Tile>(batch, operands.at, tile, (typename Tile::Storage&)storage);
      Tile::run(batch, operands.at, tile, (typename Tile::Storage&)storage);
      syncTile<Tile::kThreads>();
    }
  }
  template <class Tile>
  INGOT_INLINE void beginTile(const IngotBatch& batch, const IngotStep& step, Storage& storage) {
    const IngotOperands operands = step.operands;
    if (threadIdx.x < Tile::kThreads) prefetchTile<Tile>(batch, operands.at, (int)blockIdx.x, (typename Tile::Storage&)storage);
  }
  INGOT_INLINE void begin(const IngotBatch& batch, const IngotStep& step, Storage& storage) {
    int kernel = 0;
    ((step.kernel == kernel++ ? beginTile<Tiles>(batch, step, storage) : void()), ...);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int, Storage& storage) {
    const IngotStep* step = (const IngotStep*)operands[0];
    begin(batch, *step, storage);
    for (; step->kernel >= 0; ++step) {
      int kernel = 0;
      ((step->kernel == kernel++ ? runTiles<Tiles>(batch, *step, storage) : void()), ...);
      __syncthreads();  // those that had no part in it too: what begins takes the same memory
      begin(batch, step[1], storage);
      syncGrid((ingot_u64*)operands[1]);
    }
  }
};

}  // namespace program
