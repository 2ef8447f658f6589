// linear for many narrow rows and weights of f16, on the tensor cores of sm_90a: tile i is so many rows and channels as its shape says. One warpgroup
// copies rows and weights into shared memory, some stages ahead. Each of the others has 64 channels, whose weights it takes into registers, where
// the packed layout becomes fragments, and all of the rows, which are multiplied out of shared memory. Sums are kept twice, as in gemm.cuh: of the
// run of units at hand, and of the runs before it. That is the order of linear.cuh, product by product, so a row's bits are the same in both.
// Constants and operands as there, and kShape; the last operand of a launch is a map of the rows (copyRows).
#pragma once

#include "kernels/linear/wide_results.cuh"
#include "kernels/linear/wide_tile.cuh"

namespace wide {

template <class C>
struct Tile {
  static_assert(C::kFormat == WeightFormat::f16 && C::kNarrow && C::kResultGroup == 0 && C::kK % 16 == 0);
  static constexpr CudaWide kShape = kCudaWide[C::kShape];
  static constexpr int kThreads = kShape.threads(), kRows = kShape.rows, kChannels = kShape.channels, kDynamicBytes = kShape.bytes(), kMinBlocks = 1;
  static constexpr bool kTakesTurns = true, kAwaits = true;
  static constexpr int kCluster = kShape.across, kTiles = (int)kShape.tilesAcross(C::kN);
  static constexpr int kBlocks = (int)blockCount(C::kN), kTileBlocks = kChannels / kBlockChannels;
  static constexpr long long kRowBytes = plainRowBytes<true>(C::kK), kBlockBytes = blockBytes(C::kFormat, C::kK, 1);
  typedef Results<C, kRows, kChannels, kTiles> TileResults;

  // A unit is a product along k. Two begin at a time, a step, and runs are whole steps; most runs are whole stages too.
  static constexpr int kUnits = (int)C::kK / 16, kStageUnits = kCudaWideColumns / 16, kUnitBytes = 16 * kBlockChannels * 2;
  static constexpr int kStepUnits = 2, kRunUnits = cudaRunUnits(kUnits);

  // In a slot, two blocks of channels make a panel, the second one a chunk further on: lanes that read both meet every bank once.
  static constexpr int kSlots = kShape.slots, kBox = kShape.box(), kRowChunks = kRows * kCudaWideColumns / 8, kBlockChunks = kCudaWideColumns * 2;
  static constexpr int kPanelChunks = kCudaWidePanelBytes / 16, kWeightChunks = kTileBlocks / 2 * kPanelChunks;
  static constexpr int kCopiers = 4, kConsumers = kThreads / kWarp - kCopiers;  // warps
  // Tiles that were told of and not looked at yet: no more than stages in the ring, and two.
  static constexpr int kTold = kCudaWideTold;
  static_assert(kTold >= kSlots + 2);
  struct Storage {
    SharedArray<Words, kSlots * kRowChunks> x;
    SharedArray<Words, kSlots * kWeightChunks> weights;
    SharedBarriers<kSlots> full, empty;
    SharedArray<int, kTold> next;
    SharedBarriers<kTold> told;
  };

  INGOT_INLINE int rowsOf(const IngotBatch& batch) { return C::kSelected ? batch.num_rows : batch.num_tokens; }
  INGOT_INLINE int rowTiles(const IngotBatch& batch) { return (rowsOf(batch) + kRows - 1) / kRows; }
  INGOT_INLINE int count(const IngotBatch& batch) { return rowTiles(batch) * kTiles; }
  INGOT_INLINE int rank() { return (int)blockIdx.x % kShape.blocks(); }

  typedef RingSlot<kSlots> Slot;
  // Of two warpgroups that multiply many rows; else there are enough, and some for the end of the launch before.
  static constexpr bool kSharesRegisters = kConsumers > 4 && kRows > 64;
  typedef SharedRegisters<384, 1, 40, 232> Registers;

  INGOT_INLINE int panelAt(int slot, int block) { return slot * kWeightChunks + block / 2 * kPanelChunks + block % 2 * (kBlockChunks + 1); }

  // What a block has of a tile: units of it along k. One lane of each warp copies weights, blocks of channels one by one (those behind the last one
  // repeat it, and are not stored), and the first ones rows, for all of the cluster.
  struct Part {
    int rowTile, tile, firstUnit, end;
  };
  INGOT_INLINE int copier() { return (int)threadIdx.x / kWarp - kConsumers; }
  struct Weights {
    const char* from[kTileBlocks / kCopiers];
    INGOT_MEMBER Weights(void* const* operands, int tile) {
#pragma unroll
      for (int i = 0; i < kTileBlocks / kCopiers; ++i) {
        int block = tile * kTileBlocks + i * kCopiers + copier();
        from[i] = (const char*)operands[1] + (block < kBlocks ? block : kBlocks - 1) * kBlockBytes;
      }
    }
    INGOT_MEMBER void copy(const Part& part, int unit, int slot, Storage& storage) const {
      int left = part.end - unit, bytes = (left < kStageUnits ? left : kStageUnits) * kUnitBytes;
      if (copier() == 0) announceBytes(storage.full, slot, kRowChunks * 16 + kTileBlocks * bytes);
#pragma unroll
      for (int i = 0; i < kTileBlocks / kCopiers; ++i)
        copyBytes(storage.weights, panelAt(slot, i * kCopiers + copier()), from[i] + unit * (long long)kUnitBytes, bytes, storage.full, slot);
    }
  };
  // Weights of the first stages, up to this unit, do not wait for the launches before. With many rows there is nothing to gain, and no register.
  INGOT_INLINE int firstEnd(const Part& part) {
    if constexpr (kSharesRegisters) return part.firstUnit;
    int most = part.firstUnit + kSlots * kStageUnits;
    return most < part.end ? most : part.end;
  }
  INGOT_INLINE void copyFirst(void* const* operands, const Part& part, Storage& storage) {
    Weights weights(operands, part.tile);
#pragma unroll 1
    for (int unit = part.firstUnit, slot = 0; unit < firstEnd(part); unit += kStageUnits) weights.copy(part, unit, slot++, storage);
    awaitLaunches();
  }
  // Rows of all stages, and weights from unit `next` on.
  INGOT_INLINE void copy(void* const* operands, int rows, const Part& part, int next, Slot& slot, Storage& storage) {
    Weights weights(operands, part.tile);
    int box = copier() * kCluster + rank() % kCluster, firstRow = part.rowTile * kRows + box * kBox;
#pragma unroll 1
    for (int unit = part.firstUnit; unit < part.end; unit += kStageUnits, slot.next()) {
      awaitBarrier(storage.empty, slot.at, slot.round ^ 1);
      if (unit >= next) weights.copy(part, unit, slot.at, storage);
      if (box < kRows / kBox)
        copyRows<kBox, kCudaWideColumns, kCluster>(storage.x, slot.at * kRowChunks + box * kBox * 8, operands, kRowBytes, rows, firstRow, unit * 16,
                                                   storage.full, slot.at);
    }
  }

  // A warp has eight channels of both blocks of a panel: rows lane / 4 and lane / 4 + 8 of its products. Four matrices of eight columns along k and
  // eight channels come at once; where they are mixed of both blocks, lanes put right what came.
  INGOT_INLINE int matrixRow() {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, row = lane % 8, matrix = lane / 8;
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

  typedef typename TileResults::Sums Sums;

  // Where a warp is: its turn of the ring, the unit of that stage, and where its fragments lie in a slot. The stage before has ended where the first
  // products of the one at hand are all that go on.
  struct Course {
    Slot slot;
    int unit, matrixAt, before;
  };
  INGOT_INLINE void leave(int slot, Storage& storage) {
    __syncwarp();  // the other lanes have read too
    if (threadIdx.x % kWarp < kCluster) arrive<kCluster>(storage.empty, slot, threadIdx.x % kWarp);
  }
  // A step's products begin while those of the step before go on, and behind it those have ended.
  template <int Units>
  INGOT_INLINE void step(int unit, bool isFirst, Course& course, Storage& storage, Sums& sums) {
    unsigned a[Units][4];
    if (unit == 0) awaitBarrier(storage.full, course.slot.at, course.slot.round);
#pragma unroll
    for (int i = 0; i < Units; ++i) fragmentOf(storage, course.slot.at * kWeightChunks + course.matrixAt + (unit + i) * 32, a[i]);
    beginProducts();
#pragma unroll
    for (int i = 0; i < Units; ++i) multiplyWide<kRows>(sums, a[i], storage.x, course.slot.at * kRowChunks, unit + i, i > 0 || !isFirst);
    closeProducts();
    waitForProducts<1>();
    if (unit == 0 && course.before >= 0) leave(course.before, storage);
    course.before = course.slot.at;
    course.unit = unit ^ kStepUnits;
    if (unit != 0) course.slot.next();
  }
  // A run of units, or what is left of one. It begins with a stage, where `WithStage`.
  template <bool WithStage>
  INGOT_INLINE void multiply(int units, Course& course, Storage& storage, Sums& sums) {
#pragma unroll 1
    for (int at = 0; at < units / kStepUnits - 1; at += 2) {
      step<kStepUnits>(WithStage ? 0 : course.unit, at == 0, course, storage, sums);
      step<kStepUnits>(WithStage ? kStepUnits : course.unit, false, course, storage, sums);
    }
    if constexpr (kRunUnits % kStageUnits != 0 || kUnits % kStageUnits != 0)
      if (units % kStageUnits >= kStepUnits) step<kStepUnits>(course.unit, units < kStageUnits, course, storage, sums);
    if constexpr (kUnits % kStepUnits != 0)
      if (units % kStepUnits != 0) step<1>(course.unit, units == 1, course, storage, sums);
    waitForProducts<0>(sums);
  }
  // All stages have been read.
  INGOT_INLINE void close(Course& course, Storage& storage) {
    leave(course.before, storage);
    if (course.unit != 0) course.slot.next();
    course.unit = 0;
    course.before = -1;
  }
  INGOT_INLINE void compute(Course& course, Storage& storage, Sums& totals) {
    Sums sums = {};
#pragma unroll 1
    for (int first = 0; first < kUnits; first += kRunUnits) {
      multiply<kRunUnits % kStageUnits == 0>(first + kRunUnits < kUnits ? kRunUnits : kUnits - first, course, storage, sums);
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) totals[i] += sums[i];
    }
    close(course, storage);
  }

  INGOT_INLINE void openRing(Storage& storage) {
    if (threadIdx.x == 0)
      for (int i = 0; i < kSlots; ++i) {
        initBarrier(storage.full, i, 1);
        initBarrier(storage.empty, i, kConsumers * kCluster);
      }
    if (threadIdx.x == kWarp)
      for (int i = 0; i < kTold; ++i) initBarrier(storage.told, i, 1);
    showBarriers();
    syncCluster<kCluster>();
  }

  // Clusters take tiles in turn, whoever is free: its first copier claims the next ones, and tells all.
  INGOT_INLINE int nextOf(int turn, Storage& storage) {
    awaitBarrier(storage.told, turn % kTold, turn / kTold % 2);
    return toldOf(storage.next, turn % kTold);
  }
  // Whoever multiplies looks it up again: its registers are full.
  INGOT_INLINE int clusterAt(int turn, int index, Storage& storage) { return turn == 0 ? index / kCluster : nextOf(turn - 1, storage); }
  INGOT_INLINE int clusters(const IngotBatch& batch) { return lastTile(count(batch)) / kCluster; }
  INGOT_INLINE void copyAll(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    int cluster = index / kCluster, end = clusters(batch);
    bool claims = rank() == 0 && copier() == 0;
    Part part{0, 0, 0, kUnits};
    placeOf<kTiles, kCluster>(rowTiles(batch), cluster * kCluster + rank(), part.rowTile, part.tile);
    copyFirst(operands, part, storage);
    Slot slot;
#pragma unroll 1
    for (int turn = 0; cluster < end; cluster = nextOf(turn++, storage)) {
      int next = claims ? claimAfter(cluster, kCluster, end) : 0;
      if (copier() == 0) expectNumber<kCluster>(storage.told, turn % kTold);
      placeOf<kTiles, kCluster>(rowTiles(batch), cluster * kCluster + rank(), part.rowTile, part.tile);
      copy(operands, rowsOf(batch), part, turn == 0 ? firstEnd(part) : 0, slot, storage);
      for (int r = 0; claims && r < kCluster; ++r) tell<kCluster>(storage.next, turn % kTold, next, storage.told, r);
    }
    // Until all that was copied is read, the others of the cluster reach the block's memory.
#pragma unroll 1
    for (int i = 0; i < kSlots; ++i, slot.next()) awaitBarrier(storage.empty, slot.at, slot.round ^ 1);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    openRing(storage);
    if (warpOf(threadIdx.x) >= kConsumers) {
      if constexpr (kSharesRegisters) fewerRegisters<Registers::kCopier>();
      if (threadIdx.x % kWarp == 0) copyAll(batch, operands, index, storage);
    } else {
      if constexpr (kSharesRegisters) moreRegisters<Registers::kOther>();
      awaitLaunches();
      Course course{{}, 0, matrixRow(), -1};
#pragma unroll 1
      for (int turn = 0; clusterAt(turn, index, storage) < clusters(batch); ++turn) {
        Sums totals = {};
        compute(course, storage, totals);
        int rowTile, tile;
        placeOf<kTiles, kCluster>(rowTiles(batch), clusterAt(turn, index, storage) * kCluster + rank(), rowTile, tile);
        TileResults::store(totals, tile, rowTile * kRows, rowsOf(batch) - rowTile * kRows, operands);
      }
    }
  }
};

}  // namespace wide
