// linear for many narrow rows and weights of f16, on the tensor cores of sm_90a: tile i is so many rows and channels as its shape says, or, behind
// those, fewer rows (cudaWideRows). One warpgroup copies rows and weights into shared memory, some stages ahead (wide_feed.cuh). Each of the others
// has 64 channels, whose weights it takes into registers, where the packed layout becomes fragments, and all of the rows, which are multiplied out of
// shared memory. Sums are kept twice, as in gemm.cuh: of the run of units at hand, and of the runs before it. That is the order of linear.cuh,
// product by product, so a row's bits are the same in both. Constants and operands as there, and kShape; the last operand of a launch is a map of the
// rows (copyRows).
#pragma once

#include "kernels/linear/wide_feed.cuh"
#include "kernels/linear/wide_results.cuh"
#include "kernels/linear/wide_tile.cuh"

namespace wide {

template <class C>
struct Tile {
  static_assert(C::kFormat == WeightFormat::f16 && C::kNarrow && C::kResultGroup == 0 && C::kK % 16 == 0);
  static constexpr CudaWide kShape = kCudaWide[C::kShape];
  static constexpr int kThreads = kShape.threads(), kRows = kShape.rows, kChannels = kShape.channels, kDynamicBytes = kShape.bytes(), kMinBlocks = 1;
  static constexpr bool kPersistent = true, kAwaits = true;
  static constexpr int kCluster = kShape.across, kTiles = (int)kShape.tilesAcross(C::kN), kShorter = kShape.shorter();
  static constexpr int kBlocks = (int)blockCount(C::kN), kTileBlocks = kChannels / kBlockChannels;
  static constexpr long long kRowBytes = plainRowBytes<true>(C::kK), kBlockBytes = blockBytes(C::kFormat, C::kK, 1);

  // A unit is a product along k. Two begin at a time, a step, and runs are whole steps; most runs are whole stages too.
  static constexpr int kUnits = (int)C::kK / 16, kStageUnits = kCudaWideColumns / 16, kUnitBytes = 16 * kBlockChannels * 2;
  static constexpr int kStepUnits = 2, kRunUnits = cudaRunUnits(kUnits);

  // In a slot, two blocks of channels make a panel, the second one a chunk further on: lanes that read both meet every bank once.
  static constexpr int kSlots = kShape.slots, kBox = kShape.box(), kRowChunks = kRows * kCudaWideColumns / 8, kBlockChunks = kCudaWideColumns * 2;
  static constexpr int kPanelChunks = kCudaWidePanelBytes / 16, kWeightChunks = kTileBlocks / 2 * kPanelChunks;
  static constexpr int kProducers = 4, kConsumers = kThreads / kWarp - kProducers;  // warps
  // Tiles that were told of, or will be, and may be looked at yet: no more than stages in the ring, and three.
  static constexpr int kTileIndices = kCudaWideTileIndices;
  static_assert(kTileIndices >= kSlots + 3);
  struct Storage {
    SharedArray<Words, kSlots * kRowChunks> x;
    SharedArray<Words, kSlots * kWeightChunks> weights;
    SharedBarriers<kSlots> full, empty;
    SharedArray<int, kTileIndices> nextTile;
    SharedBarriers<kTileIndices> tileReady;
    SharedArray<CudaWideRows, 1> rows;  // of tiles, where some are shorter
  };

  INGOT_INLINE int rowsOf(const IngotBatch& batch) { return C::kSelected ? batch.num_rows : batch.num_tokens; }
  INGOT_INLINE CudaWideRows rowTiles(const IngotBatch& batch) { return cudaWideRows(kShape, kTiles / kCluster, rowsOf(batch), kMultiprocessors); }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch).count() * kTiles; }
  INGOT_INLINE int maxCount(const IngotBatch& batch) { return (rowsOf(batch) + kShorter - 1) / kShorter * kTiles; }
  INGOT_INLINE int rank() { return (int)blockIdx.x % kShape.blocks(); }

  // Results of a tile are stored in parts, beside as many steps of the next tile's first run, where that is whole stages and has some.
  static constexpr int kMostParts = 16, kRunSteps = kRunUnits / kStepUnits, kParts = kRunSteps < kMostParts ? kRunSteps : kMostParts;
  template <int Rows>
  using ResultsOf = Results<C, Rows, kChannels, kTiles>;
  typedef ResultsOf<kRows> TileResults;

  typedef PipelineState<kSlots> Slot;
  // Of two warpgroups that multiply many rows; else there are enough, and some for the end of the launch before.
  static constexpr bool kSplitsRegisters = kConsumers > 4 && kRows > 64;
  typedef RegisterSplit<384, 1, 40, 232> Registers;
  static_assert(kShorter == kRows || kSplitsRegisters, "nothing is copied before a block knows that it has a tile");
  static constexpr bool kOverlapsStores = kSplitsRegisters && kRunUnits % kStageUnits == 0 && kParts >= 8;

  INGOT_INLINE int panelAt(int slot, int block) { return slot * kWeightChunks + block / 2 * kPanelChunks + block % 2 * (kBlockChunks + 1); }

  // What a block has of a tile: units of it along k.
  struct Part {
    int tile, firstRow, rows, firstUnit, end;
    INGOT_MEMBER int boxes() const { return (rows + kBox - 1) / kBox; }  // copies that bring its rows
  };
  // Units [firstUnit, end) of tile `index`.
  INGOT_INLINE Part partOf(const CudaWideRows& rows, int index, int firstUnit, int end) {
    int whole = rows.whole * kTiles, rowTile, tile;
    bool isShorter = kShorter < kRows && index >= whole;
    tileCoordinates<kTiles, kCluster>(isShorter ? rows.shorter : rows.whole, isShorter ? index - whole : index, rowTile, tile);
    if (isShorter) return {tile, rows.whole * kRows + rowTile * kShorter, kShorter, firstUnit, end};
    return {tile, rowTile * kRows, kRows, firstUnit, end};
  }
  // A warp has eight channels of both blocks of a panel: rows lane / 4 and lane / 4 + 8 of its products. Four matrices of eight columns along k and
  // eight channels come at once; where they are mixed of both blocks, lanes put right what came.
  INGOT_INLINE int matrixRow() {
    int thread = threadIdx.x;
    opaque(thread);  // it is computed again for every tile
    int warp = thread / kWarp, lane = thread % kWarp, row = lane % 8, matrix = lane / 8;
    return panelAt(0, warp / 2 * 2 + (row / 4 ^ matrix % 2)) + (matrix / 2 * 8 + row) * 2 + warp % 2;
  }
  INGOT_INLINE void fragmentOf(Storage& storage, int at, unsigned (&a)[4]) {
    bool low = threadIdx.x % 4 < 2;
    Words came = loadTransposed(storage.weights, at);
    for (int i = 0; i < 4; i += 2) {
      a[i] = low ? came.at[i] : came.at[i + 1];
      a[i + 1] = low ? came.at[i + 1] : came.at[i];
    }
  }

  // Where a warp is: its turn of the ring, the unit of that stage, and where its fragments lie in a slot. The stage before has ended where the first
  // products of the one at hand are all that go on.
  struct Pipeline {
    Slot slot;
    int unit, matrixAt, before;
  };
  INGOT_INLINE void release(int slot, Storage& storage) {
    __syncwarp();  // the other lanes have read too
    if (threadIdx.x % kWarp < kCluster) arrive<kCluster>(storage.empty, slot, threadIdx.x % kWarp);
  }
  // A step's products begin while those of the step before go on, and behind it those have ended. `ask` is called as soon as the stage is there.
  template <int Units, int N, class OnFull>
  INGOT_INLINE void step(int unit, bool isFirst, Pipeline& pipeline, Storage& storage, float (&sums)[N], const OnFull& onFull) {
    unsigned a[Units][4];
    if (unit == 0) awaitBarrier(storage.full, pipeline.slot.index, pipeline.slot.phase);
    onFull();
#pragma unroll
    for (int i = 0; i < Units; ++i) fragmentOf(storage, pipeline.slot.index * kWeightChunks + pipeline.matrixAt + (unit + i) * 32, a[i]);
    beginProducts();
#pragma unroll
    for (int i = 0; i < Units; ++i) multiplyWide<2 * N>(sums, a[i], storage.x, pipeline.slot.index * kRowChunks, unit + i, i > 0 || !isFirst);
    commitProducts();
    waitForProducts<1>();
    if (unit == 0 && pipeline.before >= 0) release(pipeline.before, storage);
    pipeline.before = pipeline.slot.index;
    pipeline.unit = unit ^ kStepUnits;
    if (unit != 0) pipeline.slot.next();
  }
  template <int Units, int N>
  INGOT_INLINE void step(int unit, bool isFirst, Pipeline& pipeline, Storage& storage, float (&sums)[N]) {
    step<Units>(unit, isFirst, pipeline, storage, sums, [] {});
  }
  // A run of units, or what is left of one. It begins with a stage, where `WithStage`.
  template <bool WithStage, int N>
  INGOT_INLINE void multiply(int units, Pipeline& pipeline, Storage& storage, float (&sums)[N]) {
#pragma unroll 1
    for (int at = 0; at < units / kStepUnits - 1; at += 2) {
      step<kStepUnits>(WithStage ? 0 : pipeline.unit, at == 0, pipeline, storage, sums);
      step<kStepUnits>(WithStage ? kStepUnits : pipeline.unit, false, pipeline, storage, sums);
    }
    if constexpr (kRunUnits % kStageUnits != 0 || kUnits % kStageUnits != 0)
      if (units % kStageUnits >= kStepUnits) step<kStepUnits>(pipeline.unit, units < kStageUnits, pipeline, storage, sums);
    if constexpr (kUnits % kStepUnits != 0)
      if (units % kStepUnits != 0) step<1>(pipeline.unit, units == 1, pipeline, storage, sums);
    waitForProducts<0>(sums);
  }
  // All stages have been read.
  INGOT_INLINE void drain(Pipeline& pipeline, Storage& storage) {
    release(pipeline.before, storage);
    if (pipeline.unit != 0) pipeline.slot.next();
    pipeline.unit = 0;
    pipeline.before = -1;
  }
  // Runs of units from `first` on are added to the totals.
  template <int N>
  INGOT_INLINE void computeRuns(int first, Pipeline& pipeline, Storage& storage, float (&sums)[N], float (&totals)[N]) {
#pragma unroll 1
    for (; first < kUnits; first += kRunUnits) {
      multiply<kRunUnits % kStageUnits == 0>(first + kRunUnits < kUnits ? kRunUnits : kUnits - first, pipeline, storage, sums);
#pragma unroll
      for (int i = 0; i < N; ++i) totals[i] += sums[i];
    }
    drain(pipeline, storage);
  }
  // Steps of the first run from this one on. Beside each a part of the totals, which are those of the tile before, is stored; what it reads comes
  // while the step waits for the one before it.
  template <int Step, int Rows>
  INGOT_INLINE void stepAndStore(Pipeline& pipeline, Storage& storage, float (&sums)[Rows / 2], const float (&totals)[Rows / 2],
                                 const typename ResultsOf<Rows>::Where& before, void* const* operands) {
    typename ResultsOf<Rows>::template Portion<Step, kParts> part;
    step<kStepUnits>(Step % 2 * kStepUnits, Step == 0, pipeline, storage, sums, [&] { part.load(before, operands); });
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
      step<kStepUnits>(0, false, pipeline, storage, sums);
      step<kStepUnits>(kStepUnits, false, pipeline, storage, sums);
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

  // Clusters take tiles in turn, whoever is free: they are told of the next ones.
  INGOT_INLINE int nextClusterTile(int iteration, Storage& storage) {
    awaitBarrier(storage.tileReady, iteration % kTileIndices, iteration / kTileIndices % 2);
    return readTile(storage.nextTile, iteration % kTileIndices);
  }
  // Whoever multiplies looks it up again: its registers are full.
  INGOT_INLINE int clusterTileAt(int iteration, int index, Storage& storage) {
    return iteration == 0 ? index / kCluster : nextClusterTile(iteration - 1, storage);
  }
  INGOT_INLINE CudaWideRows rowTiles(const IngotBatch& batch, Storage& storage) {
    if constexpr (kShorter < kRows) return storage.rows[0];
    else return rowTiles(batch);
  }
  // Where the clusters' tiles of so many rows end.
  template <int Rows>
  INGOT_INLINE int clusters(const IngotBatch& batch, Storage& storage) {
    CudaWideRows rows = rowTiles(batch, storage);
    int end = lastTile(rows.count() * kTiles), whole = rows.whole * kTiles;
    return (Rows == kShorter || end < whole ? end : whole) / kCluster;
  }

  // What a warp has of its block's next tiles, as long as they are of so many rows.
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
      for (int i = 0; i < Rows / 2; ++i) totals[i] = 0.0f + sums[i];  // as a run is added to zeros, which makes 0 of -0
      computeRuns(kOverlapsStores ? kRunUnits : 0, pipeline, storage, sums, totals);
      Part part = partOf(rowTiles(batch, storage), clusterTileAt(iteration, index, storage) * kCluster + rank(), 0, kUnits);
      where = {part.tile, part.firstRow, rowsOf(batch) - part.firstRow};
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
      Pipeline pipeline{{}, 0, 0, -1};
      int iteration = 0;
      computeTiles<kRows>(batch, operands, iteration, index, pipeline, storage);
      if constexpr (kShorter < kRows) computeTiles<kShorter>(batch, operands, iteration, index, pipeline, storage);
    }
  }
};

}  // namespace wide
