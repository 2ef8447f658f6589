// What the tiles of warpgroups have in common (wide.cuh, wide_codes.cuh): the order of tiles, and the turns of a ring in shared memory.
#pragma once

#include "kernels/linear/linear.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide {

// Blocks and stages have places in turn; `round` tells whose turn it is.
template <int Slots>
struct Slot {
  int at = 0;
  unsigned round = 0;
  INGOT_MEMBER void next() {
    if (++at < Slots) return;
    at = 0;
    round ^= 1;
  }
};

// Tiles of a few rows of tiles that are computed at once share channels, and neighbouring channels share those rows.
template <int Tiles>
INGOT_INLINE void placeOf(int rowTiles, int index, int& rowTile, int& tile) {
  int first = index / (kCudaWideTall * Tiles) * kCudaWideTall, tall = rowTiles - first, left = index - first * Tiles;
  if (tall > kCudaWideTall) tall = kCudaWideTall;
  rowTile = first + left % tall;
  tile = left / tall;
}

}  // namespace wide
