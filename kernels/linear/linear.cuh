// y[r, n] = epilogue(sum_k x[r, k] * w[n, k]), as f32, narrow or quantised rows. A tile is 16 or 32 rows by one panel of two channel blocks, or by
// as many panels as make up whole groups of a quantised result. The warps of a block split k (split-k): each accumulates one run of units in
// order, and the runs are then added in order (linear.spec.h). Rows are taken in groups of eight, and a weight is loaded once for all groups. So
// the bits of a row depend only on its own values and the matrix; gemm.cuh keeps the same order for many rows. Constants and operands as in
// linear.cpu.h.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/linear/linear.spec.h"
#include "kernels/linear/tensor.cuh"
#include "kernels/prim/quantize.cuh"

namespace linear {

template <class C, bool Tensor, bool Codes, int Blocks>
struct FormatOf {
  typedef PlainFormat<C> Type;
};
template <class C, int Blocks>
struct FormatOf<C, true, false, Blocks> {
  typedef TensorPlain<C, Blocks> Type;
};
template <class C, int Blocks>
struct FormatOf<C, true, true, Blocks> {
  typedef TensorCodes<C, Blocks> Type;
};
template <class C, int Blocks>
struct FormatOf<C, false, true, Blocks> {
  typedef QuantizedFormat<C> Type;
};

// The inner loop, and where its units come from: a ring of `bytes` bytes pays if it holds at least three units for each warp.
template <class Format, bool Tensor>
struct LoopOf {
  typedef ScalarLoop<Format> Type;
  static constexpr bool hasRing(int) { return false; }
};
template <class Format>
struct LoopOf<Format, true> {
  typedef TensorLoop<Format> Type;
  static constexpr bool hasRing(int bytes) { return ringSlots<Format>(kCudaRuns, bytes) >= 3; }
};
template <class Format, bool HasRing, int Bytes, int PanelBlocks, int Panels, bool Many>
struct SourceOf {
  typedef Direct<Format, PanelBlocks> Type;
};
template <class Format, int Bytes, int PanelBlocks, int Panels, bool Many>
struct SourceOf<Format, true, Bytes, PanelBlocks, Panels, Many> {
  typedef Ring<Format, kCudaRuns, Bytes, Panels, Many> Type;
};

// In the persistent kernel (kernels/program) a block takes every gridDim.x-th tile, and may use more shared memory than the 48 KB default.
template <class C>
constexpr bool isWalked() {
  return requires { C::kWalkBytes; };
}
template <class C>
constexpr int sharedBytesOf() {
  if constexpr (isWalked<C>()) return C::kWalkBytes;
  else return 48 << 10;
}

// Results before quantisation.
template <int N>
struct Values {
  SharedArray<float, N> values;
};
template <>
struct Values<0> {};

// Where rows come from: operand 0, or, for a single token, a row that every block computes for itself (kernels/alone/linear.cuh). `make` calls
// awaitLaunches().
template <class C>
struct RowsOf {
  static constexpr bool kMade = false;
  static constexpr int kSharedBytes = 0;
  struct Storage {};
  INGOT_INLINE void* const* ownOf(void* const* operands) { return operands; }
  INGOT_INLINE void make(const IngotBatch&, void* const*, Storage&) { awaitLaunches(); }
  INGOT_INLINE const char* rowIn(Storage&) { return nullptr; }
};

// Scalar loops leave the register bound to ptxas. Its choice of 64 spills with two sums on sm_86 and sm_89; other bounds spill elsewhere.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ == 860 || __CUDA_ARCH__ == 890)
constexpr int kScalarPairBlocks = 3;
#else
constexpr int kScalarPairBlocks = 0;
#endif

template <class C>
struct Tile {
  typedef RowsOf<C> Rows;
  static constexpr bool kAwaits = true, kWalks = isWalked<C>(), kOneRow = Rows::kMade || kWalks;
  static constexpr int kThreads = kCudaLinearThreads, kWarps = kThreads / kWarp;
  static_assert(kWarps == kCudaRuns);
  static constexpr int kPanelBlocks = cudaTileBlocks(C::kFormat, C::kN, C::kSums, C::kResultGroup), kChannels = kPanelBlocks * kBlockChannels;
  static constexpr int kBlocks = (int)blockCount(C::kN), kPanels = (kBlocks + kPanelBlocks - 1) / kPanelBlocks;
  static constexpr int kTilePanels = tilePanels(C::kSums, C::kResultGroup), kTiles = (kPanels + kTilePanels - 1) / kTilePanels;
  static constexpr int kColumns = C::kN / C::kSums, kTileColumns = kTilePanels * kChannels / C::kSums;  // of the result
  static constexpr long long kResultStride = paddedColumns(kColumns);
  static constexpr bool kCodes = isQuantized(C::kFormat);
  static constexpr bool kTensor = kHasTensorCores && C::kFormat != WeightFormat::f32 && (kCodes ? C::kGroup % 32 == 0 : C::kK % 16 == 0);
  // Two blocks of 128 registers per thread stream weights faster than one. A single row of plain weights needs only 64 registers; if it is short,
  // the blocks of the next launch, for which that leaves room, hide its latency.
  static constexpr int kMinBlocks = !kTensor ? (C::kFormat == WeightFormat::f32 && C::kSums == 2 ? kScalarPairBlocks : 0)
                                    : Rows::kMade && !kCodes && C::kK <= 2048 ? 4
                                                                              : 2;
  typedef typename FormatOf<C, kTensor, kCodes, kPanelBlocks>::Type Format;
  typedef typename LoopOf<Format, kTensor>::Type Loop;
  static constexpr bool kHoldsExtras = kTensor && C::kExtras > 0;  // loaded before the products; scalar loops need the registers
  static constexpr int kTileRows = kOneRow ? 1 : cudaTileRows(C::kFormat), kSumRows = kOneRow ? 1 : kRows;
  static constexpr int kRun = cudaRunUnits(Format::kUnits);
  static constexpr int kSums = kWarps * kSumRows * kChannels, kValues = C::kResultGroup ? kTileRows * kTileColumns : 0;
  static constexpr int kRingBytes = sharedBytesOf<C>() - 4 * (kSums + kValues) - Rows::kSharedBytes;
  typedef typename SourceOf<Format, LoopOf<Format, kTensor>::hasRing(kRingBytes), kRingBytes, kPanelBlocks, kTilePanels, kWalks>::Type Source;
  struct Storage : Values<kValues>, Rows::Storage {
    SharedArray<float, kSums> sums;
    typename Source::Buffer weights;
  };

  INGOT_INLINE int rowsOf(const IngotBatch& batch) { return kOneRow && !C::kSelected ? 1 : linear::rowsOf<C>(batch); }
  INGOT_INLINE int rowTiles(const IngotBatch& batch) { return (rowsOf(batch) + kTileRows - 1) / kTileRows; }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch) * kTiles; }

  // Sum of row `row` of a group and channel `channel` of the panel over all warps, in order.
  INGOT_INLINE float totalOf(int row, int channel, Storage& storage) {
    float total = 0;
    for (int warp = 0; warp < kWarps; ++warp) total += storage.sums[(warp * kSumRows + row) * kChannels + channel];
    return total;
  }

  // Result of row `row` that lane `lane` computes: a warp finishes one row of a group, a lane one channel.
  INGOT_INLINE OutputPosition outputAt(int panel, long long row, int lane, void* const* operands) {
    return {operands + 2, row, C::kSums == 2 ? panel * kBlockChannels + lane : panel * kChannels + lane, kResultStride};
  }
  INGOT_INLINE bool isThere(const OutputPosition& position, int lane) { return position.column < kColumns && lane < kChannels / C::kSums; }
  template <class At>
  INGOT_INLINE void finish(const OutputPosition& position, int lane, const At& at, void* const* operands, Storage& storage) {
    if (!isThere(position, lane)) return;
    float totals[C::kSums];
    for (int i = 0; i < C::kSums; ++i) totals[i] = totalOf((int)(position.row % kRows), lane + i * kBlockChannels, storage);
    float result = C::Epilogue::apply(totals, at);
    if constexpr (C::kResultGroup == 0)
      storeElement<C::kNarrowResult>(operands[2 + C::kExtras], position.row * kResultStride + position.column, result);
    else storage.values[(int)(position.row % kTileRows * kTileColumns + position.column % kTileColumns)] = result;
  }

  // Quantises the rows of `values`, a warp per group.
  INGOT_INLINE void quantize(int tile, long long firstRow, int rows, void* const* operands, Storage& storage) {
    constexpr int kGroup = C::kResultGroup ? C::kResultGroup : kTileColumns, kGroups = kTileColumns / kGroup;
    for (int i = threadIdx.x / kWarp; i < rows * kGroups; i += kWarps) {
      int row = i / kGroups, g = i % kGroups;
      long long group = (long long)tile * kGroups + g;
      if (group >= kColumns / kGroup) continue;
      char* to = (char*)operands[2 + C::kExtras] + (firstRow + row) * quantizedRowBytes(kColumns, kGroup, C::kResultCode);
      quantizeGroup<kGroup, kColumns, C::kResultCode>([&](int c) -> float { return storage.values[row * kTileColumns + g * kGroup + c]; }, to, group);
    }
  }

  // The warp's run of units, the same for every panel of a tile. Called before any divergent wait, since warpOf is a collective.
  struct Units {
    int first, last;
  };
  INGOT_INLINE Units unitsOf() {
    int first = warpOf(threadIdx.x) * kRun;
    return {first, first + kRun < Format::kUnits ? first + kRun : Format::kUnits};
  }
  INGOT_INLINE Source sourceOf(int tile, const Units& units, void* const* operands, Storage& storage) {
    int panel = tile * kTilePanels, last = !kWalks && panel + kTilePanels < kPanels ? panel + kTilePanels : kPanels;
    int skip = kWalks ? ((int)gridDim.x - 1) * kTilePanels : 0;
    return Source::of(storage.weights, {(const char*)operands[1], panel, last, units.first, units.last, skip});
  }

  INGOT_INLINE const char* rowsAt(long long firstRow, void* const* operands, Storage& storage) {
    if constexpr (Rows::kMade) return Rows::rowIn(storage);
    else return (const char*)operands[0] + firstRow * Format::kRowBytes;
  }

  // `Single`: for one row, which saves a third of the instructions of codes.
  template <int Groups, bool Single = false>
  INGOT_INLINE void compute(Source& source, const Units& units, int panel, long long firstRow, int rows, void* const* operands, Storage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
    float sums[Groups][Loop::kSums] = {};
    Extras<C::kExtras> extras[Groups] = {};
#pragma unroll
    for (int group = 0; group < Groups && kHoldsExtras; ++group) {
      OutputPosition position = outputAt(panel, firstRow + group * kRows + warp, lane, operands);
      float none[C::kSums] = {};
      if (group * kRows + warp < rows && isThere(position, lane)) C::Epilogue::apply(none, extras[group].loadingFrom(position));
    }
    Loop::template run<Groups, Single, Rows::kMade>(rowsAt(firstRow, operands, storage), rows, source, units.first, units.last, lane, sums);
#pragma unroll
    for (int group = 0; group < Groups; ++group) {
      for (int i = 0; i < Loop::kSums; ++i)
        if (Loop::channelOf(i, lane) < kChannels && Loop::rowOf(i, lane) < kSumRows)
          storage.sums[(warp * kSumRows + Loop::rowOf(i, lane)) * kChannels + Loop::channelOf(i, lane)] = sums[group][i];
      __syncthreads();
      if (group * kRows + warp < rows) {
        OutputPosition position = outputAt(panel, firstRow + group * kRows + warp, lane, operands);
        if constexpr (kHoldsExtras) finish(position, lane, extras[group], operands, storage);
        else finish(position, lane, position, operands, storage);
      }
      __syncthreads();
    }
  }

  // Neighbouring tiles share channels, so that weights are read from memory once. With one row tile the grid has one block per channel tile; its
  // blocks can prefetch weights before the batch is known, without a division.
  INGOT_INLINE bool hasOneRowTile() { return !C::kSelected && (kOneRow || (int)gridDim.x == kTiles); }
  INGOT_INLINE int tileOf(const IngotBatch& batch, int index) { return hasOneRowTile() ? index : index / rowTiles(batch); }
  INGOT_INLINE int firstRowOf(const IngotBatch& batch, int index) { return hasOneRowTile() ? 0 : index % rowTiles(batch) * kTileRows; }

  // Starts copies of the first weights of every warp's run. Prefetching more of them into L2 made an H100 slower.
  INGOT_INLINE void prefetch(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    if (hasOneRowTile() ? index < kTiles : index < count(batch)) sourceOf(tileOf(batch, index), unitsOf(), Rows::ownOf(operands), storage).prefetch();
  }

  INGOT_INLINE void computeTile(Source& source, const Units& units, int tile, int firstRow, int rows, void* const* operands, Storage& storage) {
#pragma unroll 1
    for (int panel = tile * kTilePanels; panel < (tile + 1) * kTilePanels && panel < kPanels; ++panel) {
      source.enter(panel);
      if constexpr (kOneRow) compute<1, true>(source, units, panel, firstRow, rows, operands, storage);
      else if constexpr (!kTensor)  // groups of rows share no loads
#pragma unroll 1
        for (int group = 0; group < rows; group += kRows) compute<1>(source, units, panel, firstRow + group, rows - group, operands, storage);
      else if (kCodes && rows == 1) compute<1, true>(source, units, panel, firstRow, rows, operands, storage);
      else if (rows <= kRows) compute<1>(source, units, panel, firstRow, rows, operands, storage);
      else if (rows <= 2 * kRows) compute<2>(source, units, panel, firstRow, rows, operands, storage);
      else if constexpr (kTileRows > 2 * kRows) compute<4>(source, units, panel, firstRow, rows, operands, storage);
    }
    if constexpr (C::kResultGroup != 0) quantize(tile, firstRow, rows, operands, storage);
  }

  // The tile's weights, whose first copies `prefetch` has started; then its rows.
  INGOT_INLINE Source open(const IngotBatch& batch, int tile, const Units& units, void* const* all, Storage& storage) {
    Source source = sourceOf(tile, units, Rows::ownOf(all), storage);
    source.resume();
    Rows::make(batch, all, storage);
    return source;
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* all, int index, Storage& storage) {
    void* const* operands = Rows::ownOf(all);
    int tile = tileOf(batch, index), firstRow = firstRowOf(batch, index), rows = rowsOf(batch) - firstRow;
    if (rows > kTileRows) rows = kTileRows;
    Units units = unitsOf();
    Source source = open(batch, tile, units, all, storage);
    computeTile(source, units, tile, firstRow, rows, operands, storage);
  }

  // Persistent loop over the block's tiles; `prefetch` has started the first. The row is computed once, and the ring runs on across tiles.
  INGOT_INLINE void walk(const IngotBatch& batch, void* const* all, Storage& storage) {
    static_assert(kWalks);
    void* const* operands = Rows::ownOf(all);
    int tile = (int)blockIdx.x, tiles = count(batch);
    if (tile >= tiles) return awaitLaunches();
    Units units = unitsOf();
    Source source = open(batch, tile, units, all, storage);
#pragma unroll 1
    for (; tile < tiles; tile += (int)gridDim.x) computeTile(source, units, tile, 0, 1, operands, storage);
  }
};

}  // namespace linear
