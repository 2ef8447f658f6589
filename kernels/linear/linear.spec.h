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

// CPUs multiply integer codes as bytes; all other weights as f32.
constexpr bool unpacksToBytes(WeightFormat format) { return isQuantized(format) && format != WeightFormat::f8; }
// Columns of a stretch; the last one may be shorter.
constexpr long long stretchColumns(WeightFormat format, long long k, int group) {
  long long most = unpacksToBytes(format) ? 640 : 128, unit = isQuantized(format) ? group : 2;
  long long stretches = (k + most - 1) / most, columns = (k + stretches - 1) / stretches;
  return (columns + unit - 1) / unit * unit;
}
// Bytes of an unpacked stretch: codes as bytes, or f32 weights; with f32 scales and minima of groups.
constexpr long long panelBytes(WeightFormat format, long long k, int group) {
  long long columns = stretchColumns(format, k, group), channels = kPanelBlocks * kBlockChannels;
  return channels * (columns * (unpacksToBytes(format) ? 1 : 4) + (isQuantized(format) ? 8 * (columns / group + 1) : 0));
}
// The unpacked stretch, a strip of sums and, for quantised results, a strip of values.
constexpr long long linearScratchBytes(WeightFormat format, long long k, int group, long long sums, long long resultGroup) {
  long long panelChannels = kPanelBlocks * kBlockChannels, tileColumns = tilePanels(sums, resultGroup) * panelChannels / sums;
  return (panelBytes(format, k, group) + 63) / 64 * 64 + 4ll * kStripRows * panelChannels + 4ll * (resultGroup ? kStripRows : 16) * tileColumns;
}

// A CUDA tile is two blocks of channels, or one where there are so few that two would leave half of a GPU of 132 multiprocessors with a
// tile less; times so many rows. Scales of codes take registers: with half of the rows two tiles fit a multiprocessor.
constexpr int cudaTileBlocks(WeightFormat format, long long n, long long sums, long long resultGroup) {
  return format != WeightFormat::f32 && sums == 1 && resultGroup == 0 && blockCount(n) <= 2 * 132 ? 1 : 2;
}
constexpr int cudaTileRows(WeightFormat format) { return isQuantized(format) ? 16 : 32; }
constexpr int kCudaLinearThreads = 256;

// CUDA sums over k in this order, whatever the tile: k is cut into runs of whole units (16 columns, or as many codes as are scaled at
// once); units are added up in order within a run, then runs are. So kernels of different tiles give the same bits. A run is an even
// number of units.
// A unit of codes is a group; of 8-bit floats at most 64 columns of one, since tensor cores add their products up with few bits.
constexpr int cudaUnitColumns(WeightFormat format, int group) { return format == WeightFormat::f8 && group > 64 ? 64 : group; }
constexpr int kCudaRuns = 8;
constexpr int cudaRunUnits(long long units) { return (int)((units + 2 * kCudaRuns - 1) / (2 * kCudaRuns)) * 2; }

// Bytes of a row that blocks may make themselves for a token alone (kernels/alone): beside it, shared memory has to hold weights enough on their way.
constexpr long long kMostMadeRowBytes = 16 << 10;

// Many rows take tiles that read weights and rows through shared memory (gemm.cuh), in stages of so many columns.
constexpr int kCudaGemmChannels = 128;
constexpr int cudaGemmRows(WeightFormat format) { return isQuantized(format) ? 64 : 128; }
constexpr int cudaGemmColumns(WeightFormat format) { return isQuantized(format) ? 64 : format == WeightFormat::bf16 ? 16 : 32; }
constexpr bool hasCudaGemm(WeightFormat format, long long k, int group, long long sums, long long resultGroup) {
  return format != WeightFormat::f32 && k % cudaGemmColumns(format) == 0 &&
         (!isQuantized(format) || cudaUnitColumns(format, group) == 32 || cudaUnitColumns(format, group) == 64) &&
         resultGroup * sums <= kCudaGemmChannels;
}
// Rows from which on they pay: more than two passes of the small tiles over the weights, and tiles for half of a GPU of 128
// multiprocessors; fewer leave most of it idle, while small tiles share the work evenly.
constexpr long long cudaGemmLeastRows(WeightFormat format, long long n) {
  long long across = (n + kCudaGemmChannels - 1) / kCudaGemmChannels, down = (64 + across - 1) / across;
  long long rows = (down - 1) * cudaGemmRows(format) + 1;
  return rows > 64 ? rows : 65;
}
