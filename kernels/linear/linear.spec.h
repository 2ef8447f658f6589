// What the compiler must know of linear: tile shapes and scratch.
#pragma once

#include "kernels/linear/layout.h"
#include "kernels/prim/constants.h"

// Channel blocks of a panel.
constexpr int kPanelBlocks = 2;
// Panels per tile: one, or as many as make up whole groups of a quantised result.
constexpr int tilePanels(long long sums, long long resultGroup) {
  long long columns = kPanelBlocks * kBlockChannels / sums;
  return resultGroup > columns ? (int)(resultGroup / columns) : 1;
}
// CPU: many rows take a panel in stretches of columns that, unpacked, stay in the L1 cache while a strip of rows uses them.
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

// Channel blocks of a CUDA tile for few rows: two, or one if there are so few that two would leave half of the multiprocessors with a tile less.
constexpr int cudaTileBlocks(WeightFormat format, long long n, long long sums, long long resultGroup) {
  return format != WeightFormat::f32 && sums == 1 && resultGroup == 0 && blockCount(n) <= 2 * kTunedMultiprocessors ? 1 : 2;
}
// Rows of such a tile. Scales of codes take registers: half of the rows lets a multiprocessor hold two blocks.
constexpr int cudaTileRows(WeightFormat format) { return isQuantized(format) ? 16 : 32; }
constexpr int kCudaLinearThreads = 256;

// Summation order of all CUDA kernels: k is cut into runs of whole units (16 columns, or the codes that are scaled together); units are added in
// order within a run, then runs in order. So kernels with different tiles give the same bits. A run is an even number of units. A unit of codes is
// a group; of e4m3 at most 64 columns of one, since tensor cores accumulate e4m3 products with few bits.
constexpr int cudaUnitColumns(WeightFormat format, int group) { return format == WeightFormat::f8 && group > 64 ? 64 : group; }
constexpr int kCudaRuns = 8;
constexpr int cudaRunUnits(long long units) { return (int)((units + 2 * kCudaRuns - 1) / (2 * kCudaRuns)) * 2; }

// Largest row, in bytes, that blocks compute for themselves for a single token (kernels/alone): shared memory must still hold enough weights in
// flight.
constexpr long long kMostMadeRowBytes = 16 << 10;

// gemm.cuh, for many rows: channels of a tile; its rows, and columns of a stage.
constexpr int kCudaGemmChannels = 128;
constexpr int cudaGemmRows(WeightFormat format) { return isQuantized(format) ? 64 : 128; }
constexpr int cudaGemmColumns(WeightFormat format) { return isQuantized(format) ? 64 : format == WeightFormat::bf16 ? 16 : 32; }
constexpr bool hasCudaGemm(WeightFormat format, long long k, int group, long long sums, long long resultGroup) {
  return format != WeightFormat::f32 && k % cudaGemmColumns(format) == 0 &&
         (!isQuantized(format) || cudaUnitColumns(format, group) == 32 || cudaUnitColumns(format, group) == 64) &&
         resultGroup * sums <= kCudaGemmChannels;
}
// Row count from which gemm.cuh pays: beyond two passes of the small tiles over the weights, and with enough tiles for half of a GPU; fewer would
// leave most of it idle, while small tiles share the work evenly.
constexpr long long kCudaGemmLeastTiles = 64;
constexpr long long cudaGemmLeastRows(WeightFormat format, long long n) {
  long long across = (n + kCudaGemmChannels - 1) / kCudaGemmChannels, down = (kCudaGemmLeastTiles + across - 1) / across;
  long long rows = (down - 1) * cudaGemmRows(format) + 1;
  return rows > 64 ? rows : 65;
}
