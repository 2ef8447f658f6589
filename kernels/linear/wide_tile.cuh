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

// Tiles of a few rows of tiles that are computed at once share channels, and neighbouring channels share those rows; a cluster is neighbours.
template <int Tiles, int Cluster>
INGOT_INLINE void placeOf(int rowTiles, int index, int& rowTile, int& tile) {
  constexpr int kTall = cudaWideTall(Cluster), kAcross = Tiles / Cluster;
  int cluster = index / Cluster, first = cluster / (kTall * kAcross) * kTall, tall = rowTiles - first, left = cluster - first * kAcross;
  if (tall > kTall) tall = kTall;
  rowTile = first + left % tall;
  tile = left / tall * Cluster + index % Cluster;
}

}  // namespace wide
