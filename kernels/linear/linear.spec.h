// What the compiler must know of linear: how its tiles are cut and what scratch it takes.
#pragma once

#include "kernels/linear/layout.h"

// Channel blocks that are computed side by side.
constexpr int kPanelBlocks = 2;
// Panels of a tile: one, or as many as give a whole group of quantised results.
constexpr int tilePanels(long long sums, long long resultGroup) {
  long long columns = kPanelBlocks * kBlockChannels / sums;
  return resultGroup > columns ? (int)(resultGroup / columns) : 1;
}
// Many rows take the panel in stretches of columns that, unpacked, stay in the first-level cache while a strip of rows uses them.
constexpr int kStripRows = 96;

// Columns of a stretch; the last one may be shorter.
constexpr long long stretchColumns(WeightFormat format, long long k, int group) {
  long long most = isQuantized(format) ? 640 : 128, unit = isQuantized(format) ? group : 2;
  long long stretches = (k + most - 1) / most, columns = (k + stretches - 1) / stretches;
  return (columns + unit - 1) / unit * unit;
}
// Bytes of an unpacked stretch: codes as bytes with f32 scales and minima, or f32 weights.
constexpr long long panelBytes(WeightFormat format, long long k, int group) {
  long long columns = stretchColumns(format, k, group), channels = kPanelBlocks * kBlockChannels;
  return isQuantized(format) ? channels * (columns + 8 * (columns / group + 1)) : channels * columns * 4;
}
// The unpacked stretch, a strip of sums and, for quantised results, a strip of values.
constexpr long long linearScratchBytes(WeightFormat format, long long k, int group, long long sums, long long resultGroup) {
  long long panelChannels = kPanelBlocks * kBlockChannels, tileColumns = tilePanels(sums, resultGroup) * panelChannels / sums;
  return (panelBytes(format, k, group) + 63) / 64 * 64 + 4ll * kStripRows * panelChannels + 4ll * (resultGroup ? kStripRows : 16) * tileColumns;
}
