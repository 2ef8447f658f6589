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

// A CUDA tile is so many channels, two blocks of the packed layout, times so many rows.
constexpr int kCudaTileChannels = 32, kCudaTileRows = 32;
constexpr int kCudaLinearThreads = 256;

// CUDA sums over k in this order, whatever the tile: k is cut into runs of whole units (16 columns, or a group of codes); units are
// added up in order within a run, then runs are. So kernels of different tiles give the same bits. A run is an even number of units.
constexpr int kCudaRuns = 8;
constexpr int cudaRunUnits(long long units) { return (int)((units + 2 * kCudaRuns - 1) / (2 * kCudaRuns)) * 2; }

// Many rows take tiles that read weights and rows through shared memory (gemm.cuh), in stages of so many columns.
constexpr int kCudaGemmChannels = 128;
constexpr int cudaGemmRows(WeightFormat format) { return isQuantized(format) ? 64 : 128; }
constexpr int cudaGemmColumns(WeightFormat format) { return isQuantized(format) ? 64 : format == WeightFormat::bf16 ? 16 : 32; }
constexpr bool hasCudaGemm(WeightFormat format, long long k, int group, long long sums, long long resultGroup) {
  return format != WeightFormat::f32 && k % cudaGemmColumns(format) == 0 && (!isQuantized(format) || group == 32 || group == 64) &&
         resultGroup * sums <= kCudaGemmChannels;
}
// Rows from which on they pay: more than two passes of the small tiles over the weights, and tiles for half of a GPU of 128
// multiprocessors; fewer leave most of it idle, while small tiles share the work evenly.
constexpr long long cudaGemmLeastRows(WeightFormat format, long long n) {
  long long across = (n + kCudaGemmChannels - 1) / kCudaGemmChannels, down = (64 + across - 1) / across;
  long long rows = (down - 1) * cudaGemmRows(format) + 1;
  return rows > 2 * kCudaTileRows ? rows : 2 * kCudaTileRows + 1;
}
