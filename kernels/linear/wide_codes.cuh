// linear for many rows with quantised weights on sm_90a. As in wide.cuh a producer warpgroup fills a ring of shared-memory stages, and each
// consumer warpgroup has 64 channels and all rows of the tile. The dot products of a unit are exact integer sums; e4m3 codes are widened to f16 in
// the order of mma.sync on sm_90, the lower two of a word first. They are then scaled and added as by Codes::add, unit by unit and run by run, so
// the bits of a row are those of linear.cuh. Scaling overlaps the wgmma of the next unit, in a second set of accumulators, or, if registers do not
// allow one, of another warpgroup. Constants and operands as in linear.cuh, and kShape; the last operand of a launch is the tensor map of the
// rows' codes.
#pragma once

#include "kernels/linear/finish.cuh"
#include "kernels/linear/wide_codes_feed.cuh"
#include "kernels/linear/wide_codes_products.cuh"
#include "kernels/linear/wide_tile.cuh"

namespace wide_codes {

// Scales of two neighbouring rows for a unit.
template <bool HasMinima>
struct alignas(8) PairOf {
  float scale[2];
};
template <>
struct alignas(16) PairOf<true> {
  float scale[2], minimumFactor[2];
};

template <class C>
struct Tile {
  static constexpr WeightFormat kFormat = C::kFormat;
  static constexpr int kGroup = (int)C::kGroup;
  static_assert(hasCudaWideCodes(C::kShape, kFormat, kGroup, C::kN, C::kSums, C::kResultGroup));
  typedef linear::Codes<kFormat> Coding;
  static constexpr bool kHasMinima = kFormat == WeightFormat::i4m, kBytes = hasByteCodes(kFormat), kFloats = kFormat == WeightFormat::f8;
  static constexpr CudaWide kShape = cudaWideCodes(C::kShape, kFormat, kGroup);
  static constexpr int kThreads = kShape.threads(), kRows = kShape.rows, kChannels = kShape.channels, kSlots = kShape.slots;
  static constexpr int kDynamicBytes = cudaWideCodesBytes(C::kShape, kFormat, kGroup), kMinBlocks = kChannels == 64 ? 2 : 1;
  static constexpr bool kAwaits = true;
  static constexpr long long kK = C::kK;
  static constexpr int kBlocks = (int)blockCount(C::kN), kTileBlocks = kChannels / kBlockChannels, kTiles = (int)kShape.tilesAcross(C::kN);
  static constexpr long long kRowBytes = quantizedRowBytes(C::kK, kGroup, rowCodeOf(kFormat)), kBlockBytes = blockBytes(kFormat, C::kK, kGroup);
  typedef linear::Finish<C, kChannels> Finish;

  // A unit is a group or part of one, in steps of 32 columns: one integer wgmma, or two of f16.
  static constexpr int kUnitColumns = cudaUnitColumns(kFormat, kGroup), kParts = kGroup / kUnitColumns, kSteps = kUnitColumns / 32;
  static constexpr int kUnits = (int)C::kK / kUnitColumns, kStageUnits = kCudaWideCodesColumns / kUnitColumns, kRunUnits = cudaRunUnits(kUnits);
  static constexpr int kStages = (kUnits + kStageUnits - 1) / kStageUnits, kSets = kRows > 64 ? 1 : 2;
  static_assert(kRunUnits % 2 == 0);

  static constexpr int kBox = kShape.box(), kRowChunks = kRows * kCudaWideCodesColumns / 16;
  static constexpr int kGroups = (int)C::kK / kGroup, kStageGroups = kCudaWideCodesColumns / kGroup;
  static constexpr int kGroupChunks = (int)groupBytes(kFormat, kGroup) / 16, kStageChunks = kStageGroups * kGroupChunks;  // of a block
  static constexpr int kWeightChunks = kTileBlocks * kStageChunks, kHeaderChunks = headerBytes(kFormat) / 16, kStepChunks = kBytes ? 32 : 16;
  static constexpr int kProducers = 4, kScalers = 3, kConsumers = kThreads / kWarp - kProducers;  // warps

  typedef PairOf<kHasMinima> RowPair;
  static constexpr int kPairs = kRows / 2, kSlotPairs = kStageGroups * kPairs;

  // The rows as wgmma operands, in lines of 128 bytes. Codes of e4m3 arrive in `codes` and are widened to f16 into x.
  static constexpr int kPanels = kFloats ? 2 : 1;
  struct Ring {
    SharedArray<Words, kSlots * kPanels * kRowChunks> x;
    SharedArray<Words, kFloats ? kSlots * kRowChunks : 1> codes;
    SharedArray<Words, kSlots * kWeightChunks> weights;
    SharedArray<RowPair, kSlots * kSlotPairs> pairs;
  };
  INGOT_SHARED_UNION SharedUnion {
    Ring ring;
    SharedArray<float, kRows * Finish::kStride> sums;
  };
  struct Storage {
    SharedUnion shared;
    SharedBarriers<kSlots> full, empty;
    SharedBarriers<kFloats ? kSlots : 1> codesFull;  // codes to be widened have arrived
  };
  typedef PipelineState<kSlots> Slot;
  typedef RegisterSplit<kThreads, kMinBlocks, 40, kConsumers == 4 ? 216 : 232> Registers;

  INGOT_INLINE int rowTiles(const IngotBatch& batch) { return (linear::rowsOf<C>(batch) + kRows - 1) / kRows; }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch) * kTiles; }

  typedef typename Coding::Dot Dots[kRows / 2];
  typedef float Sums[kRows / 2];

  // Factors for a unit's dot products: of the lane's channels, as two halves (and two minima) or as floats, and of its rows.
  struct Scales {
    TwoWords channels;
    RowPair rows[kRows / 8];
  };
  // A fragments of the lane's channels for a unit.
  struct Fragments {
    unsigned at[kSteps][4];
  };
  typedef wide_codes::Products<Tile> Products;

  // Consumer state: the stages whose products are issued next, and whose dot products are added next.
  struct RingCursors {
    Slot begun, added;
  };
  // Units are processed in bursts within one run. No wgmma may be in flight across loop iterations: ptxas rejects reading accumulators there.
  static constexpr int kBurst = kRunUnits % 4 == 0 && kUnits % 4 == 0 && kUnitColumns < 128 ? 4 : 2;
  INGOT_INLINE int withinStage(int first, int i) { return kBurst % kStageUnits == 0 ? i % kStageUnits : (first + i) % kStageUnits; }
  INGOT_INLINE Fragments fetchUnit(int within, RingCursors& cursors, Storage& storage) {
    if (within == 0) awaitBarrier(storage.full, cursors.begun.index, cursors.begun.phase);
    return Products::fragmentsOf(cursors.begun.index, within, storage);
  }
  INGOT_INLINE void beginUnit(const Fragments& fragments, int within, RingCursors& cursors, Storage& storage, Dots& dots) {
    Products::begin(fragments, cursors.begun.index, within, storage, dots);
    if (within == kStageUnits - 1) cursors.begun.next();
  }
  INGOT_INLINE void releaseUnit(int within, RingCursors& cursors, Storage& storage) {
    if (within != kStageUnits - 1) return;
    __syncwarp();  // other lanes may still be reading
    if (threadIdx.x % kWarp == 0) arrive<1>(storage.empty, cursors.added.index, 0);
    cursors.added.next();
  }
  template <int Units>
  INGOT_INLINE void addUnits(int first, RingCursors& cursors, Storage& storage, Dots (&dots)[kSets], Sums& sums) {
    constexpr bool kEarly = kRows < 128;  // with more rows the next unit's fragments do not fit into registers
    Fragments fragments;
    if constexpr (kSets == 2) beginUnit(fetchUnit(withinStage(first, 0), cursors, storage), withinStage(first, 0), cursors, storage, dots[0]);
#pragma unroll
    for (int i = 0; i < Units; ++i) {
      Dots& now = dots[i % kSets];
      int within = withinStage(first, i), next = withinStage(first, i + 1);
      if constexpr (kSets == 1) {
        if (i == 0 || !kEarly) fragments = fetchUnit(within, cursors, storage);
        beginUnit(fragments, within, cursors, storage, now);
        if (kEarly && i + 1 < Units) fragments = fetchUnit(next, cursors, storage);
        waitForProducts<0>(now);
        Products::add(Products::scalesAt(cursors.added.index, within, storage), now, sums);  // not loaded earlier, to keep register lifetimes short
      } else {
        Scales scales = Products::scalesAt(cursors.added.index, within, storage);
        if (i + 1 < Units) beginUnit(fetchUnit(next, cursors, storage), next, cursors, storage, dots[(i + 1) % kSets]);
        if (i + 1 < Units) waitForProducts<1>(now);
        else waitForProducts<0>(now);
        Products::add(scales, now, sums);
      }
      releaseUnit(within, cursors, storage);
    }
  }
  INGOT_INLINE void addRun(Sums& totals, Sums& sums) {
#pragma unroll
    for (int i = 0; i < kRows / 2; ++i) {
      totals[i] += sums[i];
      sums[i] = 0;
    }
  }

  INGOT_INLINE void compute(Storage& storage, Sums& totals) {
    constexpr int kWhole = kUnits / kBurst * kBurst;
    Dots dots[kSets];
    Sums sums = {};
    RingCursors cursors;
#pragma unroll 1
    for (int first = 0; first < kWhole; first += kRunUnits) {
      int last = first + kRunUnits < kWhole ? first + kRunUnits : kWhole;
      if (first > 0) addRun(totals, sums);
#pragma unroll 1
      for (int unit = first; unit < last; unit += kBurst) addUnits<kBurst>(unit, cursors, storage, dots, sums);
    }
    if constexpr (kWhole < kUnits) {
      if (kWhole % kRunUnits == 0) addRun(totals, sums);
      addUnits<kUnits - kWhole>(kWhole, cursors, storage, dots, sums);
    }
    addRun(totals, sums);
  }

  // Epilogue: the sums are stored in the ring's memory once no warp reads it any more, and results are computed from there.
  INGOT_INLINE void finish(const Sums& totals, int tile, int firstRow, int rows, void* const* operands, Storage& storage) {
    constexpr int kLines = 4;
    int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
    syncTile<kConsumers * kWarp>();
#pragma unroll
    for (int i = 0; i < kRows / 2; ++i)
      storage.shared.sums[(i / 4 * 8 + lane % 4 * 2 + i % 2) * Finish::kStride + Products::channelOf(i / 2 % 2)] = totals[i];
    syncTile<kConsumers * kWarp>();
#pragma unroll 1
    for (int first = 0; first < kRows; first += kLines * kConsumers)
      Finish::template run<kLines>(storage.shared.sums, first + warp, kConsumers, tile, firstRow, rows < kRows ? rows : kRows, operands);
  }

  struct Where {
    int tile, firstRow;
  };
  INGOT_INLINE Where tileCoordinates(const IngotBatch& batch, int index) {
    int rowTile, tile;
    wide::tileCoordinates<kTiles, 1>(rowTiles(batch), index, rowTile, tile);
    return {tile, rowTile * kRows};
  }

  typedef wide_codes::Feed<Tile> Feed;
  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    if (threadIdx.x == 0)
      for (int i = 0; i < kSlots; ++i) {
        initBarrier(storage.full, i, 1 + kScalers);
        initBarrier(storage.empty, i, kConsumers);
        if constexpr (kFloats) initBarrier(storage.codesFull, i, 1);
      }
    fenceBarrierInit();
    __syncthreads();
    int warp = warpOf(threadIdx.x);
    if (warp >= kConsumers) {
      releaseRegisters<Registers::kProducer>();
      int thread = (int)threadIdx.x - (kConsumers + 1) * kWarp;  // index among the scalers; -kWarp: the copying lane
      Where at = tileCoordinates(batch, index);
      if (thread == -kWarp) Feed::copy(operands, linear::rowsOf<C>(batch), at.firstRow, at.tile, storage);
      if (thread >= 0 && thread < Feed::kScaling) {
        awaitLaunches();
        Feed::scale((const char*)operands[0] + at.firstRow * kRowBytes, linear::rowsOf<C>(batch) - at.firstRow, thread, storage);
      }
    } else {
      acquireRegisters<Registers::kConsumer>();
      awaitLaunches();
      // Where ptxas spills depends on the order; no kernel that was tried spills with this choice.
      constexpr bool kLate = kRows < 128;
      Where at{};
      if (!kLate) at = tileCoordinates(batch, index);
      Sums totals = {};
      compute(storage, totals);
      if (kLate) at = tileCoordinates(batch, index);
      finish(totals, at.tile, at.firstRow, linear::rowsOf<C>(batch) - at.firstRow, operands, storage);
    }
  }
};

}  // namespace wide_codes
