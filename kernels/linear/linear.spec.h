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

// Many narrow rows and weights of f16 on sm_90a (wide.cuh): tiles of so many rows and channels, with so many stages of kCudaWideColumns in
// shared memory, from few rows to many. A warpgroup for every 64 channels, and one that copies. Blocks may be a cluster: so many `across` have the
// same rows, of which each copies its part for all; or so many `along` k have a tile together (wide_runs.cuh).
struct CudaWide {
  int rows, channels, slots, across = 1, along = 1;
  constexpr int threads() const { return (channels / 64 + 1) * 128; }
  constexpr int blocks() const { return across * along; }
  constexpr int box() const { return across > 1 ? rows / 4 : rows % 64 != 0 ? 32 : 64; }  // rows that come in one copy
  constexpr long long tilesAcross(long long n) const { return (n + channels * across - 1) / (channels * across) * across; }
  constexpr int bytes() const;
};
constexpr CudaWide kCudaWide[] = {{32, 64, 16}, {32, 64, 12, 1, 2}, {64, 64, 12}, {64, 128, 8}, {64, 64, 8, 1, 2}, {128, 128, 6}, {192, 128, 5, 2}};
constexpr int kCudaWideShapes = sizeof kCudaWide / sizeof *kCudaWide;
constexpr int kCudaWideColumns = 64;
constexpr int kCudaWidePanelBytes = 2 * kCudaWideColumns * kBlockChannels * 2 + 32;  // of two blocks of channels, and what sets them apart
constexpr int kCudaWideTold = 32;                                                    // tiles that blocks were told of, at most: more than slots
constexpr int cudaWideStride(int channels) { return channels + 4; }                  // of a line of sums in shared memory
constexpr int CudaWide::bytes() const {
  int sums = along > 1 ? kCudaRuns / along * rows * cudaWideStride(channels) * 4 : 0;
  return slots * (rows * kCudaWideColumns * 2 + channels / kBlockChannels / 2 * kCudaWidePanelBytes + 16) + kCudaWideTold * 12 + 16 + sums;
}
// So many rows of tiles are computed side by side: few, which spreads what is read at once over the second-level cache; more where two share them.
constexpr int cudaWideTall(int across) { return across > 1 ? 16 : 4; }
constexpr bool hasCudaWide(WeightFormat format, long long k, bool narrow, long long resultGroup) {
  return format == WeightFormat::f16 && narrow && k % 16 == 0 && resultGroup == 0;
}
// What a shape takes on a GPU of 132 multiprocessors, by what it copies; rows that two share cost three quarters, and to add up runs costs something.
constexpr long long cudaWideCost(int shape, long long rows, long long n) {
  const CudaWide& one = kCudaWide[shape];
  long long tiles = (rows + one.rows - 1) / one.rows * one.tilesAcross(n) * one.along;
  return (tiles + 131) / 132 * ((one.rows * (one.across > 1 ? 3 : 4) + one.channels * 4) / one.along + (one.along > 1 ? 64 : 0));
}
// None whose tiles would be half empty, but for the narrowest.
constexpr bool fitsCudaWide(int shape, long long n) { return shape == 0 || kCudaWide[shape].channels * kCudaWide[shape].across <= n; }
// Of shapes of so many rows a matrix has the one that takes least for them.
constexpr bool hasCudaWideShape(int shape, long long n) {
  int rows = kCudaWide[shape].rows, best = -1;
  for (int i = 0; i < kCudaWideShapes; ++i)
    if (kCudaWide[i].rows == rows && fitsCudaWide(i, n) && (best < 0 || cudaWideCost(i, rows, n) < cudaWideCost(best, rows, n))) best = i;
  return shape == best;
}
// Rows from which on a shape pays, of those that a matrix `has`: the first one where the small tiles of an H100 are slower, others where, and from
// there on, one `pays` beside the one before it.
template <class Has, class Pays>
constexpr long long shapeLeastRows(int shape, const Has& has, const Pays& pays) {
  long long least = 17;
  for (int i = 0, before = -1; i <= shape; ++i) {
    if (!has(i)) continue;
    if (before >= 0) {
      long long first = least + 1;
      for (long long rows = 4096; rows >= first && pays(i, before, rows); rows -= 32) least = rows - 31;
      if (least < first) least = first;
    }
    before = i;
  }
  return least;
}
// Where it costs no more.
constexpr long long cudaWideLeastRows(int shape, long long n) {
  return shapeLeastRows(
      shape, [&](int i) -> bool { return hasCudaWideShape(i, n); },
      [&](int i, int before, long long rows) -> bool { return cudaWideCost(i, rows, n) <= cudaWideCost(before, rows, n); });
}

// The same of codes (wide_codes.cuh), in stages of so many columns: rows arrive as codes, with what they say of groups beside them. Slots follow
// from the format (cudaWideCodes).
constexpr CudaWide kCudaWideCodes[] = {{32, 64, 0}, {64, 64, 0}, {64, 128, 0}, {128, 128, 0}};
constexpr int kCudaWideCodesShapes = sizeof kCudaWideCodes / sizeof *kCudaWideCodes;
constexpr int kCudaWideCodesColumns = 128;
constexpr int kCudaWideCodesSpare = 32;  // bytes, for what a format does not have, and for alignment
constexpr int cudaWideCodesSlotBytes(const CudaWide& shape, WeightFormat format, int group) {
  int groups = kCudaWideCodesColumns / group, ofRow = groups * (format == WeightFormat::i4m ? 8 : 4);
  int widened = format == WeightFormat::f8 ? shape.rows * kCudaWideCodesColumns * 2 + 8 : 0;  // and a barrier
  return shape.rows * (kCudaWideCodesColumns + ofRow) + widened + shape.channels / kBlockChannels * groups * (int)groupBytes(format, group) + 16;
}
// Minima, and fragments of f16, take registers of many rows. As many slots as there is room for: all of a multiprocessor's, or, with few channels,
// half of it.
constexpr CudaWide cudaWideCodes(int shape, WeightFormat format, int group) {
  CudaWide one = kCudaWideCodes[shape];
  if ((format == WeightFormat::i4m || format == WeightFormat::f8) && one.rows == 128) one.rows = 96;
  int slots = (((one.channels == 64 ? 113 : 227) << 10) - kCudaWideCodesSpare) / cudaWideCodesSlotBytes(one, format, group);
  one.slots = slots < 16 ? slots : 16;
  return one;
}
constexpr int cudaWideCodesBytes(int shape, WeightFormat format, int group) {
  CudaWide one = cudaWideCodes(shape, format, group);
  return one.slots * cudaWideCodesSlotBytes(one, format, group) + kCudaWideCodesSpare;
}
constexpr bool hasCudaWideCodes(int shape, WeightFormat format, int group, long long n, long long sums, long long resultGroup) {
  const CudaWide& one = kCudaWideCodes[shape];
  bool isForGroups = one.rows == 64 && one.channels == 128;  // its work is that of two tiles of 64 channels
  return isQuantized(format) && (group == 32 || group == 64 || group == 128) && resultGroup * sums <= one.channels &&
         (one.channels == 64 || n >= one.channels) && (!isForGroups || resultGroup * sums > 64);
}
// What a shape takes on a GPU of 132 multiprocessors for 32 columns, in cycles: instructions that scale and add dots, or what it copies.
constexpr long long cudaWideCodesCost(int shape, WeightFormat format, int group, long long rows, long long n) {
  CudaWide one = cudaWideCodes(shape, format, group);
  long long tiles = (rows + one.rows - 1) / one.rows * one.tilesAcross(n);
  bool isFloats = format == WeightFormat::f8;
  long long ofSums = one.rows / 2 * (format == WeightFormat::i4m ? 4 : isFloats ? 2 : 3) * 32 / cudaUnitColumns(format, group);
  long long computed = one.channels / 64 * (ofSums + one.rows / (isFloats ? 4 : 8) + 30);
  long long copied = (one.rows * 32 + one.channels / kBlockChannels * groupBytes(format, group) * 32 / group) / 32;
  return (tiles + 131) / 132 * (computed > copied ? computed : copied);
}
// Where it hardly ever costs more.
constexpr long long cudaWideCodesLeastRows(int shape, WeightFormat format, int group, long long n, long long sums, long long resultGroup) {
  return shapeLeastRows(
      shape, [&](int i) -> bool { return hasCudaWideCodes(i, format, group, n, sums, resultGroup); },
      [&](int i, int before, long long rows) -> bool {
        return 8 * cudaWideCodesCost(i, format, group, rows, n) <= 9 * cudaWideCodesCost(before, format, group, rows, n);
      });
}
