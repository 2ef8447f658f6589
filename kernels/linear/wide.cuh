// linear for many narrow rows with f16 weights on sm_90a: a persistent, warp-specialised wgmma kernel. Tiles have the rows and channels of kShape;
// a few shorter ones follow to even out the last wave (cudaWideRows). A producer warpgroup copies rows (TMA) and weights into a ring of
// shared-memory stages (wide_feed.cuh). Each consumer warpgroup has 64 channels, whose weights it loads into registers as A fragments, and
// multiplies all rows of the tile from shared memory. It has two sets of accumulators, as in gemm.cuh: of the current run of units, and of the
// previous runs. That is the summation order of linear.cuh, so the bits of a row are the same in both. Constants and operands as there, and
// kShape; the last operand of a launch is the tensor map of the rows (copyRows).
#pragma once

#include "kernels/linear/wide_feed.cuh"
#include "kernels/linear/wide_results.cuh"
#include "kernels/linear/wide_tile.cuh"

namespace wide {

template <class C>
struct Tile {
  typedef C Constants;
  static_assert(C::kFormat == WeightFormat::f16 && C::kNarrow && C::kResultGroup == 0 && C::kK % 16 == 0);
  static constexpr CudaWide kShape = kCudaWide[C::kShape];
  static constexpr int kThreads = kShape.threads(), kRows = kShape.rows, kChannels = kShape.channels, kDynamicBytes = kShape.bytes(), kMinBlocks = 1;
  static constexpr bool kPersistent = true, kAwaits = true;
  static constexpr int kCluster = kShape.across, kTiles = (int)kShape.tilesAcross(C::kN), kShorter = kShape.shorter();
  static constexpr int kBlocks = (int)blockCount(C::kN), kTileBlocks = kChannels / kBlockChannels;
  static constexpr long long kRowBytes = plainRowBytes<true>(C::kK), kBlockBytes = blockBytes(C::kFormat, C::kK, 1);

  // A unit is one wgmma along k. Two are issued at a time, as a step. Runs are whole steps, and mostly whole stages.
  static constexpr int kUnits = (int)C::kK / 16, kStageUnits = kCudaWideColumns / 16, kUnitBytes = 16 * kBlockChannels * 2;
  static constexpr int kStepUnits = 2, kRunUnits = cudaRunUnits(kUnits);

  // Two blocks of channels in a slot make a panel. The second is offset by one more chunk, so that lanes that read both are free of bank
  // conflicts.
  static constexpr int kSlots = kShape.slots, kBox = kShape.box(), kRowChunks = kRows * kCudaWideColumns / 8, kBlockChunks = kCudaWideColumns * 2;
  static constexpr int kPanelChunks = kCudaWidePanelBytes / 16, kWeightChunks = kTileBlocks / 2 * kPanelChunks;
  static constexpr int kProducers = 4, kConsumers = kThreads / kWarp - kProducers;  // warps
  // Broadcast tile indices still in use: at most one per ring stage, plus three.
  static constexpr int kTileIndices = kCudaWideTileIndices;
  static_assert(kTileIndices >= kSlots + 3);
  struct Storage {
    SharedArray<Words, kSlots * kRowChunks> x;
    SharedArray<Words, kSlots * kWeightChunks> weights;
    SharedBarriers<kSlots> full, empty;
    SharedArray<int, kTileIndices> nextTile;
    SharedBarriers<kTileIndices> tileReady;
    SharedArray<CudaWideRows, 1> rows;  // row tiles of the batch, if some are shorter
  };

  INGOT_INLINE CudaWideRows rowTiles(const IngotBatch& batch) {
    return cudaWideRows(kShape, kTiles / kCluster, linear::rowsOf<C>(batch), kMultiprocessors);
  }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch).count() * kTiles; }
  INGOT_INLINE int maxCount(const IngotBatch& batch) { return (linear::rowsOf<C>(batch) + kShorter - 1) / kShorter * kTiles; }
  INGOT_INLINE int rank() { return (int)blockIdx.x % kShape.blocks(); }

  // The epilogue of a tile overlaps the first run of the next one: results are stored in kParts parts, one per step. Needs a run of whole stages.
  static constexpr int kMostParts = 16, kRunSteps = kRunUnits / kStepUnits, kParts = kRunSteps < kMostParts ? kRunSteps : kMostParts;
  template <int Rows>
  using ResultsOf = Results<C, Rows, kChannels, kTiles>;
  typedef ResultsOf<kRows> TileResults;

  typedef PipelineState<kSlots> Slot;
  // With two consumer warpgroups and many rows, the producer gives registers to them. Other shapes have enough, and leave some to the previous
  // launch.
  static constexpr bool kSplitsRegisters = kConsumers > 4 && kRows > 64;
  typedef RegisterSplit<384, 1, 40, 232> Registers;
  static_assert(kShorter == kRows || kSplitsRegisters, "nothing is copied before a block knows that it has a tile");
  static constexpr bool kOverlapsStores = kSplitsRegisters && kRunUnits % kStageUnits == 0 && kParts >= 8;

  INGOT_INLINE int panelAt(int slot, int block) { return slot * kWeightChunks + block / 2 * kPanelChunks + block % 2 * (kBlockChunks + 1); }

  // A block's part of a tile: units [firstUnit, end) along k.
  struct Part {
    int tile, firstRow, rows, firstUnit, end;
    INGOT_MEMBER int boxes() const { return (rows + kBox - 1) / kBox; }  // TMA copies of its rows per stage
  };
  // Units [firstUnit, end) of tile `index`.
  INGOT_INLINE Part partOf(const CudaWideRows& rows, int index, int firstUnit, int end) {
    int whole = rows.whole * kTiles, rowTile, tile;
    bool isShorter = kShorter < kRows && index >= whole;
    tileCoordinates<kTiles, kCluster>(isShorter ? rows.shorter : rows.whole, isShorter ? index - whole : index, rowTile, tile);
    if (isShorter) return {tile, rows.whole * kRows + rowTile * kShorter, kShorter, firstUnit, end};
    return {tile, rowTile * kRows, kRows, firstUnit, end};
  }
  // Row of ldmatrix that the lane addresses in slot 0. A warp has eight channels of both blocks of a panel, as rows lane / 4 and lane / 4 + 8 of
  // its wgmma. Four 8 x 8 matrices (columns along k by channels) are loaded at a time; where one mixes both blocks, fragmentOf swaps words
  // afterwards.
  INGOT_INLINE int matrixRow() {
    int thread = threadIdx.x;
    opaque(thread);  // computed again for every tile
    int warp = thread / kWarp, lane = thread % kWarp, row = lane % 8, matrix = lane / 8;
    return panelAt(0, warp / 2 * 2 + (row / 4 ^ matrix % 2)) + (matrix / 2 * 8 + row) * 2 + warp % 2;
  }
  INGOT_INLINE void fragmentOf(Storage& storage, int at, unsigned (&a)[4]) {
    bool low = threadIdx.x % 4 < 2;
    Words loaded = loadTransposed(storage.weights, at);
    for (int i = 0; i < 4; i += 2) {
      a[i] = low ? loaded.at[i] : loaded.at[i + 1];
      a[i + 1] = low ? loaded.at[i + 1] : loaded.at[i];
    }
  }

  // Consumer state: ring position, unit within the stage, and the offset of the warp's fragments in a slot.
  struct Pipeline {
    Slot slot;
    int unit, matrixAt;
  };
  INGOT_INLINE int slotBefore(const Pipeline& pipeline) { return pipeline.slot.index == 0 ? kSlots - 1 : pipeline.slot.index - 1; }
  INGOT_INLINE void release(int slot, Storage& storage) {
    __syncwarp();  // other lanes may still be reading
    if (threadIdx.x % kWarp < kCluster) arrive<kCluster>(storage.empty, slot, threadIdx.x % kWarp);
  }
  // Issues the products of one step while those of the previous step are in flight, then waits for the latter; where the step begins a stage of the
  // tile other than its first, all products of the stage before have ended then, and it is released. onFull() is called when the stage has arrived.
  struct First {
    bool ofRun, ofTile;
  };
  template <int Units, int N, class OnFull>
  INGOT_INLINE void step(int unit, First isFirst, Pipeline& pipeline, Storage& storage, float (&sums)[N], const OnFull& onFull) {
    unsigned a[Units][4];
    if (unit == 0) awaitBarrier(storage.full, pipeline.slot.index, pipeline.slot.phase);
    onFull();
#pragma unroll
    for (int i = 0; i < Units; ++i) fragmentOf(storage, pipeline.slot.index * kWeightChunks + pipeline.matrixAt + (unit + i) * 32, a[i]);
    beginProducts();
#pragma unroll
    for (int i = 0; i < Units; ++i) multiplyWide<2 * N>(sums, a[i], storage.x, pipeline.slot.index * kRowChunks, unit + i, i > 0 || !isFirst.ofRun);
    commitProducts();
    waitForProducts<1>();
    if (unit == 0 && !isFirst.ofTile) release(slotBefore(pipeline), storage);
    pipeline.unit = unit ^ kStepUnits;
    if (unit != 0) pipeline.slot.next();
  }
  template <int Units, int N>
  INGOT_INLINE void step(int unit, First isFirst, Pipeline& pipeline, Storage& storage, float (&sums)[N]) {
    step<Units>(unit, isFirst, pipeline, storage, sums, [] {});
  }
  // A run of units, or the shorter last one. `WithStage`: it starts at a stage boundary.
  template <bool WithStage, int N>
  INGOT_INLINE void multiply(int units, bool isFirstRun, Pipeline& pipeline, Storage& storage, float (&sums)[N]) {
#pragma unroll 1
    for (int at = 0; at < units / kStepUnits - 1; at += 2) {
      step<kStepUnits>(WithStage ? 0 : pipeline.unit, {at == 0, isFirstRun && at == 0}, pipeline, storage, sums);
      step<kStepUnits>(WithStage ? kStepUnits : pipeline.unit, {false, false}, pipeline, storage, sums);
    }
    if constexpr (kRunUnits % kStageUnits != 0 || kUnits % kStageUnits != 0)
      if (units % kStageUnits >= kStepUnits)
        step<kStepUnits>(pipeline.unit, {units < kStageUnits, isFirstRun && units < kStageUnits}, pipeline, storage, sums);
    if constexpr (kUnits % kStepUnits != 0)
      if (units % kStepUnits != 0) step<1>(pipeline.unit, {units == 1, isFirstRun && units == 1}, pipeline, storage, sums);
    waitForProducts<0>(sums);
  }
  // Releases the last stage of a tile.
  INGOT_INLINE void drain(Pipeline& pipeline, Storage& storage) {
    if (pipeline.unit != 0) pipeline.slot.next();
    pipeline.unit = 0;
    release(slotBefore(pipeline), storage);
  }
  // Adds the runs from unit `first` on to the totals.
  template <int N>
  INGOT_INLINE void computeRuns(int first, Pipeline& pipeline, Storage& storage, float (&sums)[N], float (&totals)[N]) {
#pragma unroll 1
    for (; first < kUnits; first += kRunUnits) {
      multiply<kRunUnits % kStageUnits == 0>(first + kRunUnits < kUnits ? kRunUnits : kUnits - first, first == 0, pipeline, storage, sums);
#pragma unroll
      for (int i = 0; i < N; ++i) totals[i] += sums[i];
    }
    drain(pipeline, storage);
  }
  // Steps of the first run from `Step` on, each overlapped with storing one part of the previous tile's totals. The loads of that part are issued
  // before waiting for the step.
  template <int Step, int Rows>
  INGOT_INLINE void stepAndStore(Pipeline& pipeline, Storage& storage, float (&sums)[Rows / 2], const float (&totals)[Rows / 2],
                                 const typename ResultsOf<Rows>::Where& before, void* const* operands) {
    typename ResultsOf<Rows>::template Portion<Step, kParts> part;
    step<kStepUnits>(Step % 2 * kStepUnits, {Step == 0, Step == 0}, pipeline, storage, sums, [&] { part.load(before, operands); });
    part.store(totals, before, operands);
    if constexpr (Step + 1 < kParts) stepAndStore<Step + 1, Rows>(pipeline, storage, sums, totals, before, operands);
  }
  template <int Rows>
  INGOT_INLINE void firstRun(Pipeline& pipeline, Storage& storage, float (&sums)[Rows / 2], const float (&totals)[Rows / 2],
                             const typename ResultsOf<Rows>::Where& before, void* const* operands) {
    static_assert(kParts % 2 == 0);
    stepAndStore<0, Rows>(pipeline, storage, sums, totals, before, operands);
#pragma unroll 1
    for (int at = kParts; at < kRunSteps; at += 2) {
      step<kStepUnits>(0, {false, false}, pipeline, storage, sums);
      step<kStepUnits>(kStepUnits, {false, false}, pipeline, storage, sums);
    }
    waitForProducts<0>(sums);
  }

  INGOT_INLINE void openRing(const IngotBatch& batch, Storage& storage) {
    if (kShorter < kRows && threadIdx.x == 2 * kWarp) storage.rows[0] = rowTiles(batch);
    if (threadIdx.x == 0)
      for (int i = 0; i < kSlots; ++i) {
        initBarrier(storage.full, i, 1);
        initBarrier(storage.empty, i, kConsumers * kCluster);
      }
    if (threadIdx.x == kWarp)
      for (int i = 0; i < kTileIndices; ++i) initBarrier(storage.tileReady, i, 1);
    fenceBarrierInit();
    syncCluster<kCluster>();
  }

  // Persistent tile scheduler: a free cluster claims the next tile, and its producer broadcasts the index to all blocks. Waits for the index after
  // this iteration's.
  INGOT_INLINE int nextClusterTile(int iteration, Storage& storage) {
    awaitBarrier(storage.tileReady, iteration % kTileIndices, iteration / kTileIndices % 2);
    return readTile(storage.nextTile, iteration % kTileIndices);
  }
  // Consumers read it again instead of keeping it: their registers are full.
  INGOT_INLINE int clusterTileAt(int iteration, int index, Storage& storage) {
    return iteration == 0 ? index / kCluster : nextClusterTile(iteration - 1, storage);
  }
  INGOT_INLINE CudaWideRows rowTiles(const IngotBatch& batch, Storage& storage) {
    if constexpr (kShorter < kRows) return storage.rows[0];
    else return rowTiles(batch);
  }
  // End of the cluster tiles that have `Rows` rows.
  template <int Rows>
  INGOT_INLINE int clusters(const IngotBatch& batch, Storage& storage) {
    CudaWideRows rows = rowTiles(batch, storage);
    int end = lastTile(rows.count() * kTiles), whole = rows.whole * kTiles;
    return (Rows == kShorter || end < whole ? end : whole) / kCluster;
  }

  // A consumer warp's loop over the tiles of its block that have `Rows` rows.
  template <int Rows>
  INGOT_INLINE void computeTiles(const IngotBatch& batch, void* const* operands, int& iteration, int index, Pipeline& pipeline, Storage& storage) {
    typedef ResultsOf<Rows> R;
    typename R::Where where{0, 0, 0};
    float totals[Rows / 2] = {};
#pragma unroll 1
    for (; clusterTileAt(iteration, index, storage) < clusters<Rows>(batch, storage); ++iteration) {
      float sums[Rows / 2] = {};
      pipeline.matrixAt = matrixRow();
      if constexpr (kOverlapsStores) firstRun<Rows>(pipeline, storage, sums, totals, where, operands);
#pragma unroll
      for (int i = 0; i < Rows / 2; ++i) totals[i] = 0.0f + sums[i];  // like adding a run to zero, which turns -0 into 0
      computeRuns(kOverlapsStores ? kRunUnits : 0, pipeline, storage, sums, totals);
      Part part = partOf(rowTiles(batch, storage), clusterTileAt(iteration, index, storage) * kCluster + rank(), 0, kUnits);
      where = {part.tile, part.firstRow, linear::rowsOf<C>(batch) - part.firstRow};
      if constexpr (!kOverlapsStores) R::storeAll(totals, where, operands);
    }
    if constexpr (kOverlapsStores) R::storeAll(totals, where, operands);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    openRing(batch, storage);
    if (warpOf(threadIdx.x) >= kConsumers) {
      if constexpr (kSplitsRegisters) releaseRegisters<Registers::kProducer>();
      if (threadIdx.x % kWarp == 0) Feed<Tile>::copyAll(batch, operands, index, storage);
    } else {
      if constexpr (kSplitsRegisters) acquireRegisters<Registers::kConsumer>();
      awaitLaunches();
      Pipeline pipeline{{}, 0, 0};
      int iteration = 0;
      computeTiles<kRows>(batch, operands, iteration, index, pipeline, storage);
      if constexpr (kShorter < kRows) computeTiles<kShorter>(batch, operands, iteration, index, pipeline, storage);
    }
  }
};

}  // namespace wide
