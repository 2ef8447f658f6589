// The order of the tiles of warpgroups (wide.cuh, wide_codes.cuh).
#pragma once

#include "kernels/linear/linear.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide {

// Tiles of a few rows of tiles that are computed at once share channels, and neighbouring channels share those rows; a cluster is neighbours, so
// many of them across and down.
template <int Tiles, int Across, int Down = 1>
INGOT_INLINE void placeOf(int rowTiles, int index, int& rowTile, int& tile) {
  constexpr int kTall = cudaWideTall(Across), kAcross = Tiles / Across, kBlocks = Across * Down;
  int cluster = index / kBlocks, rank = index % kBlocks, rows = (rowTiles + Down - 1) / Down;
  int first = cluster / (kTall * kAcross) * kTall, tall = rows - first, left = cluster - first * kAcross;
  if (tall > kTall) tall = kTall;
  rowTile = (first + left % tall) * Down + rank / Across;
  tile = left / tall * Across + rank % Across;
}

}  // namespace wide
