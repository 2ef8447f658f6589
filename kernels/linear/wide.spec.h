// What the compiler must know of linear for many rows on sm_90a: tile shapes, their cost, and from which row counts they are used.
#pragma once

#include "kernels/linear/linear.spec.h"

// A tile shape of wide.cuh (f16 weights, many narrow rows), with `slots` stages of kCudaWideColumns columns. One consumer warpgroup per 64
// channels, and one producer. Blocks may form a cluster: `across` blocks share rows, of which each copies its part by multicast; or `along` blocks
// split the k of one tile (wide_runs.cuh).
struct CudaWide {
  int rows, channels, slots, across = 1, along = 1;
  constexpr int threads() const { return (channels / 64 + 1) * 128; }
  constexpr int blocks() const { return across * along; }
  constexpr int box() const { return across > 1 ? rows / 4 : rows % 64 != 0 ? 32 : 64; }  // rows per TMA copy
  constexpr int shorter() const { return rows > 128 ? rows - 64 : rows; }                 // rows of the shorter tiles that even out the last wave
  constexpr long long tilesAcross(long long n) const { return (n + channels * across - 1) / (channels * across) * across; }
  constexpr int bytes() const;
};
constexpr CudaWide kCudaWide[] = {{32, 64, 16}, {32, 64, 12, 1, 2}, {64, 64, 12}, {64, 128, 8}, {64, 64, 8, 1, 2}, {128, 128, 6}, {192, 128, 5, 2}};
constexpr int kCudaWideShapes = sizeof kCudaWide / sizeof *kCudaWide;
constexpr int kCudaWideColumns = 64;
constexpr int kCudaWidePanelBytes = 2 * kCudaWideColumns * kBlockChannels * 2 + 32;  // of two channel blocks, with padding against bank conflicts
constexpr int kCudaWideTileIndices = 32;                                             // broadcast tile indices in use, at most; more than slots
constexpr int cudaWideStride(int channels) { return channels + 4; }                  // of a line of sums in shared memory
constexpr int CudaWide::bytes() const {
  int sums = along > 1 ? kCudaRuns / along * rows * cudaWideStride(channels) * 4 : 0;
  return slots * (rows * kCudaWideColumns * 2 + channels / kBlockChannels / 2 * kCudaWidePanelBytes + 16) + kCudaWideTileIndices * 12 + 16 + sums;
}
// Row tiles of a strip in the tile order (wide_tile.cuh): few, which spreads concurrent reads over the L2 cache; more if a cluster shares rows.
constexpr int cudaWideTall(int across) { return across > 1 ? 16 : 4; }
constexpr bool hasCudaWide(WeightFormat format, long long k, bool narrow, long long resultGroup) {
  return format == WeightFormat::f16 && narrow && k % 16 == 0 && resultGroup == 0;
}
// Row tiles of a batch: `whole` of the shape's own rows, followed by `shorter` ones.
struct CudaWideRows {
  int whole, shorter;
  constexpr int count() const { return whole + shorter; }
};
// Cost of a tile with this many rows, by the bytes that it copies. Multicast rows cost three quarters; adding up runs costs something.
constexpr int cudaWideTileCost(const CudaWide& shape, int rows) {
  return (rows * (shape.across > 1 ? 3 : 4) + shape.channels * 4) / shape.along + (shape.along > 1 ? 64 : 0);
}
// Cost of all tiles, wave by wave, on a GPU with a persistent grid of one block per multiprocessor; `across` cluster tiles per row tile. The
// shorter tiles start on clusters that the last wave of whole ones leaves idle.
constexpr int cudaWideWaveCost(const CudaWide& shape, int across, CudaWideRows rows, int multiprocessors) {
  int clusters = multiprocessors / shape.blocks(), tiles = rows.whole * across, shorter = rows.shorter * across;
  int whole = tiles / clusters, left = tiles % clusters, idle = left > 0 ? clusters - left : 0;
  int extra = shorter > idle ? (shorter - idle + clusters - 1) / clusters : 0;
  return (whole + (left > 0 ? 1 : 0)) * cudaWideTileCost(shape, shape.rows) + extra * cudaWideTileCost(shape, shape.shorter());
}
// The cheapest division into row tiles, with up to six of the shape's own replaced by shorter ones.
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
// Cost of a shape on the GPU that shapes are chosen for.
constexpr long long cudaWideCost(int shape, long long rows, long long n) {
  const CudaWide& one = kCudaWide[shape];
  int across = (int)(one.tilesAcross(n) / one.across);
  return cudaWideWaveCost(one, across, cudaWideRows(one, across, (int)rows, kTunedMultiprocessors), kTunedMultiprocessors);
}
// None whose tiles would be half empty, except the narrowest.
constexpr bool fitsCudaWide(int shape, long long n) { return shape == 0 || kCudaWide[shape].channels * kCudaWide[shape].across <= n; }
// Of several shapes with the same rows a matrix gets the cheapest.
constexpr bool hasCudaWideShape(int shape, long long n) {
  int rows = kCudaWide[shape].rows, best = -1;
  for (int i = 0; i < kCudaWideShapes; ++i)
    if (kCudaWide[i].rows == rows && fitsCudaWide(i, n) && (best < 0 || cudaWideCost(i, rows, n) < cudaWideCost(best, rows, n))) best = i;
  return shape == best;
}
// Smallest row count from which shape `shape` beats the previous applicable shape for all larger counts, searched down from 4096 in steps of 32.
// The first applicable shape starts at 17. `has(i)`: shape i applies to the matrix; `pays(i, before, rows)`: it beats shape `before`.
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
// From where it costs no more than the previous shape.
constexpr long long cudaWideLeastRows(int shape, long long n) {
  return shapeLeastRows(
      shape, [&](int i) -> bool { return hasCudaWideShape(i, n); },
      [&](int i, int before, long long rows) -> bool { return cudaWideCost(i, rows, n) <= cudaWideCost(before, rows, n); });
}

// Tile shapes of wide_codes.cuh, with stages of kCudaWideCodesColumns columns; slots depend on the format (cudaWideCodes).
constexpr CudaWide kCudaWideCodes[] = {{32, 64, 0}, {64, 64, 0}, {64, 128, 0}, {128, 128, 0}};
constexpr int kCudaWideCodesShapes = sizeof kCudaWideCodes / sizeof *kCudaWideCodes;
constexpr int kCudaWideCodesColumns = 128;
constexpr int kCudaWideCodesSpare = 32;  // bytes, for arrays that a format lacks, and for alignment
constexpr int cudaWideCodesSlotBytes(const CudaWide& shape, WeightFormat format, int group) {
  int groups = kCudaWideCodesColumns / group, ofRow = groups * (format == WeightFormat::i4m ? 8 : 4);
  int widened = format == WeightFormat::f8 ? shape.rows * kCudaWideCodesColumns * 2 + 8 : 0;  // and a barrier
  return shape.rows * (kCudaWideCodesColumns + ofRow) + widened + shape.channels / kBlockChannels * groups * (int)groupBytes(format, group) + 16;
}
// i4m and f8 need more registers per row. As many slots as fit into the shared memory of a multiprocessor, or into half of it with 64 channels.
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
  bool isForGroups = one.rows == 64 && one.channels == 128;  // it costs as much as two tiles of 64 channels
  return isQuantized(format) && (group == 32 || group == 64 || group == 128) && resultGroup * sums <= one.channels &&
         (one.channels == 64 || n >= one.channels) && (!isForGroups || resultGroup * sums > 64);
}
// Cost of a shape on the GPU that shapes are chosen for, in cycles per 32 columns: of scaling and adding dot products, or of copies.
constexpr long long cudaWideCodesCost(int shape, WeightFormat format, int group, long long rows, long long n) {
  CudaWide one = cudaWideCodes(shape, format, group);
  long long tiles = (rows + one.rows - 1) / one.rows * one.tilesAcross(n);
  bool isFloats = format == WeightFormat::f8;
  long long ofSums = one.rows / 2 * (format == WeightFormat::i4m ? 4 : isFloats ? 2 : 3) * 32 / cudaUnitColumns(format, group);
  long long computed = one.channels / 64 * (ofSums + one.rows / (isFloats ? 4 : 8) + 30);
  long long copied = (one.rows * 32 + one.channels / kBlockChannels * groupBytes(format, group) * 32 / group) / 32;
  return (tiles + kTunedMultiprocessors - 1) / kTunedMultiprocessors * (computed > copied ? computed : copied);
}
// From where it hardly ever costs more: at most 9/8 of the previous shape's cost.
constexpr long long cudaWideCodesLeastRows(int shape, WeightFormat format, int group, long long n, long long sums, long long resultGroup) {
  return shapeLeastRows(
      shape, [&](int i) -> bool { return hasCudaWideCodes(i, format, group, n, sums, resultGroup); },
      [&](int i, int before, long long rows) -> bool {
        return 8 * cudaWideCodesCost(i, format, group, rows, n) <= 9 * cudaWideCodesCost(before, format, group, rows, n);
      });
}
