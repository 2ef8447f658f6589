// Tile order of the wgmma kernels (wide.cuh, wide_codes.cuh).
#pragma once

#include "kernels/linear/wide.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide {

// Rasterises tiles in strips of a few row tiles: tiles that are computed concurrently share channels, and neighbours share rows. A cluster takes
// neighbouring channel tiles.
template <int Tiles, int Cluster>
INGOT_INLINE void tileCoordinates(int rowTiles, int index, int& rowTile, int& tile) {
  rowTile = 0;
  tile = index;
  if (rowTiles == 1) return;  // the general case without divisions
  constexpr int kTall = cudaWideTall(Cluster), kAcross = Tiles / Cluster;
  int cluster = index / Cluster, first = cluster / (kTall * kAcross) * kTall, tall = rowTiles - first, left = cluster - first * kAcross;
  if (tall > kTall) tall = kTall;
  rowTile = first + left % tall;
  tile = left / tall * Cluster + index % Cluster;
}

}  // namespace wide
