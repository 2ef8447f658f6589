// What the compiler must know of linear for many rows on sm_90a: the shapes of its tiles, what they take, and from how many rows on they pay.
#pragma once

#include "kernels/linear/linear.spec.h"

// Many narrow rows and weights of f16 on sm_90a (wide.cuh): tiles of so many rows and channels, with so many stages of kCudaWideColumns in
// shared memory, from few rows to many. A warpgroup for every 64 channels, and one that copies. Blocks may be a cluster: so many `across` have the
// same rows, of which each copies its part for all; or so many `along` k have a tile together (wide_runs.cuh).
struct CudaWide {
  int rows, channels, slots, across = 1, along = 1;
  constexpr int threads() const { return (channels / 64 + 1) * 128; }
  constexpr int blocks() const { return across * along; }
  constexpr int box() const { return across > 1 ? rows / 4 : rows % 64 != 0 ? 32 : 64; }  // rows that come in one copy
  constexpr int shorter() const { return rows > 128 ? rows - 64 : rows; }                 // rows of the tiles that make the turns of blocks even
  constexpr long long tilesAcross(long long n) const { return (n + channels * across - 1) / (channels * across) * across; }
  constexpr int bytes() const;
};
constexpr CudaWide kCudaWide[] = {{32, 64, 16}, {32, 64, 12, 1, 2}, {64, 64, 12}, {64, 128, 8}, {64, 64, 8, 1, 2}, {128, 128, 6}, {192, 128, 5, 2}};
constexpr int kCudaWideShapes = sizeof kCudaWide / sizeof *kCudaWide;
constexpr int kCudaWideColumns = 64;
constexpr int kCudaWidePanelBytes = 2 * kCudaWideColumns * kBlockChannels * 2 + 32;  // of two blocks of channels, and what sets them apart
constexpr int kCudaWideTileIndices = 32;                                             // tiles that blocks were told of, at most: more than slots
constexpr int cudaWideStride(int channels) { return channels + 4; }                  // of a line of sums in shared memory
constexpr int CudaWide::bytes() const {
  int sums = along > 1 ? kCudaRuns / along * rows * cudaWideStride(channels) * 4 : 0;
  return slots * (rows * kCudaWideColumns * 2 + channels / kBlockChannels / 2 * kCudaWidePanelBytes + 16) + kCudaWideTileIndices * 12 + 16 + sums;
}
// So many rows of tiles are computed side by side: few, which spreads what is read at once over the second-level cache; more where two share them.
constexpr int cudaWideTall(int across) { return across > 1 ? 16 : 4; }
constexpr bool hasCudaWide(WeightFormat format, long long k, bool narrow, long long resultGroup) {
  return format == WeightFormat::f16 && narrow && k % 16 == 0 && resultGroup == 0;
}
// Rows of tiles: so many of the shape's rows, and behind them shorter ones.
struct CudaWideRows {
  int whole, shorter;
  constexpr int count() const { return whole + shorter; }
};
// What a tile of so many rows takes, by what it copies; rows that two share cost three quarters, and to add up runs costs something.
constexpr int cudaWideTileCost(const CudaWide& shape, int rows) {
  return (rows * (shape.across > 1 ? 3 : 4) + shape.channels * 4) / shape.along + (shape.along > 1 ? 64 : 0);
}
// What tiles take on a GPU of so many multiprocessors whose clusters take them in turn, `across` of each row of tiles. Shorter ones begin where the
// last turn of the others leaves clusters idle.
constexpr int cudaWideWaveCost(const CudaWide& shape, int across, CudaWideRows rows, int multiprocessors) {
  int clusters = multiprocessors / shape.blocks(), tiles = rows.whole * across, shorter = rows.shorter * across;
  int whole = tiles / clusters, left = tiles % clusters, idle = left > 0 ? clusters - left : 0;
  int behind = shorter > idle ? (shorter - idle + clusters - 1) / clusters : 0;
  return (whole + (left > 0 ? 1 : 0)) * cudaWideTileCost(shape, shape.rows) + behind * cudaWideTileCost(shape, shape.shorter());
}
// The ones that take least, of a few that leave out some of the shape's own rows.
constexpr CudaWideRows cudaWideRows(const CudaWide& shape, int across, int rows, int multiprocessors) {
  CudaWideRows best = {(rows + shape.rows - 1) / shape.rows, 0};
  if (rows <= shape.shorter()) return best;
  int most = best.whole, least = cudaWideWaveCost(shape, across, best, multiprocessors);
  for (int without = 1; without <= 6; ++without) {
    CudaWideRows other = {most - without, (rows - (most - without) * shape.rows + shape.shorter() - 1) / shape.shorter()};
    int cost = cudaWideWaveCost(shape, across, other, multiprocessors);
    if (other.whole < 0 || cost >= least) continue;
    best = other;
    least = cost;
  }
  return best;
}
// What a shape takes on a GPU of 132 multiprocessors.
constexpr long long cudaWideCost(int shape, long long rows, long long n) {
  const CudaWide& one = kCudaWide[shape];
  int across = (int)(one.tilesAcross(n) / one.across);
  return cudaWideWaveCost(one, across, cudaWideRows(one, across, (int)rows, 132), 132);
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
// there on, one `pays` beside the one before it, which has none where that is from its own first row on.
template <class Has, class Pays>
constexpr long long shapeLeastRows(int shape, const Has& has, const Pays& pays) {
  long long least = 17;
  for (int i = 0, before = -1; i <= shape; ++i) {
    if (!has(i)) continue;
    if (before >= 0) {
      long long first = least;
      least = 4097;
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
