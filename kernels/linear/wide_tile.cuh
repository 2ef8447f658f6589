// The order of the tiles of warpgroups (wide.cuh, wide_codes.cuh).
#pragma once

#include "kernels/linear/wide.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide {

// Tiles of a few rows of tiles that are computed at once share channels, and neighbouring channels share those rows; a cluster is neighbours.
template <int Tiles, int Cluster>
INGOT_INLINE void tileCoordinates(int rowTiles, int index, int& rowTile, int& tile) {
  rowTile = 0;
  tile = index;
  if (rowTiles == 1) return;  // what follows, without its divisions
  constexpr int kTall = cudaWideTall(Cluster), kAcross = Tiles / Cluster;
  int cluster = index / Cluster, first = cluster / (kTall * kAcross) * kTall, tall = rowTiles - first, left = cluster - first * kAcross;
  if (tall > kTall) tall = kTall;
  rowTile = first + left % tall;
  tile = left / tall * Cluster + index % Cluster;
}

}  // namespace wide
