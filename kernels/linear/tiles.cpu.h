// Many rows of quantised x times an unpacked panel with AMX: tiles of 16 rows by 16 channels, group by group. Sums are accumulated in the order of
// `multiply` in quantized.cpu.h, so that the bits are the same.
#pragma once

#include "kernels/linear/formats.cpu.h"
#include "kernels/prim/amx.h"

#if defined(__AMX_INT8__)
namespace linear {

// Templates over the format, since plain formats have no groups.
constexpr int kTileDepth = kGroup < kTileBytes ? kGroup : kTileBytes;  // columns of one product

// Dot products of a group: total[row][channel].
template <class Quantized>
INGOT_INLINE void multiplyGroup(const char* x, int rows, const typename Quantized::Panel& panel, long long g, int block, int (*total)[kLanes]) {
  Tile sum = zeroTile(rows, kTileBytes);
  for (int k = 0; k < kGroup; k += kTileDepth) {
    Tile columns = loadTile(rows, kTileDepth, x + k, Quantized::kRowBytes);
    Tile codes = loadTile(kTileDepth / 4, kTileBytes, panel.codes[(g * kGroup + k) / 4][block], kPanelBlocks * 64);
    sum = dotTiles(rows, kTileDepth, sum, columns, codes);
  }
  storeTile(rows, kTileBytes, total, kTileBytes, sum);
}

// Accumulates columns [first, first + columns) into the sums of `rows` rows, at most 16.
template <class Quantized>
INGOT_INLINE void addTile(const char* x, int rows, long long first, long long columns, const typename Quantized::Panel& panel, int block,
                          const Ahead& ahead, F32x16 (*strip)[kPanelBlocks]) {
  if (first == 0)
    for (int r = 0; r < rows; ++r) strip[r][block] = splat(0.0f);
  for (long long g = 0; g < columns / kGroup; ++g) {
    ahead.ask<1>(g, block);
    alignas(64) int total[kTileRows][kLanes];
    multiplyGroup<Quantized>(x + first + g * kGroup, rows, panel, g, block, total);
    F32x16 scale = Quantized::scaleOf(panel, g, block), minimum = Quantized::minimumOf(panel, g, block);
    for (int r = 0; r < rows; ++r) {
      auto row = Quantized::rowGroup(x + r * Quantized::kRowBytes, first / kGroup + g);
      auto dots = Quantized::dotsOf(row);
      dots.total += load<I32x16>(total[r]);
      strip[r][block] = Quantized::addGroup(strip[r][block], dots, scale, minimum, row);
    }
  }
}

}  // namespace linear
#endif
