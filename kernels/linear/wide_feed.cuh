// Producers of wide.cuh: one lane of each of four warps. Each copies some of the weights, a block of channels at a time (blocks past the last
// repeat it, and are not stored), and the first ones copy rows by TMA, multicast to the cluster.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/linear/wide.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide {

// `T` is the tile, with its shape and storage.
template <class T>
struct Feed {
  typedef typename T::Storage Storage;
  typedef typename T::Part Part;

  INGOT_INLINE int producer() { return (int)threadIdx.x / kWarp - T::kConsumers; }
  struct Weights {
    const char* from[T::kTileBlocks / T::kProducers];
    INGOT_MEMBER Weights(void* const* operands, int tile) {
#pragma unroll
      for (int i = 0; i < T::kTileBlocks / T::kProducers; ++i) {
        int block = tile * T::kTileBlocks + i * T::kProducers + producer();
        from[i] = (const char*)operands[1] + (block < T::kBlocks ? block : T::kBlocks - 1) * T::kBlockBytes;
      }
    }
    INGOT_MEMBER void copy(const Part& part, int unit, int slot, Storage& storage) const {
      int left = part.end - unit, bytes = (left < T::kStageUnits ? left : T::kStageUnits) * T::kUnitBytes;
      if (producer() == 0) arriveExpectBytes(storage.full, slot, part.boxes() * T::kBox * kCudaWideColumns * 2 + T::kTileBlocks * bytes);
#pragma unroll
      for (int i = 0; i < T::kTileBlocks / T::kProducers; ++i)
        copyBytes(storage.weights, T::panelAt(slot, i * T::kProducers + producer()), from[i] + unit * (long long)T::kUnitBytes, bytes, storage.full,
                  slot);
    }
  };
  // End of the weights that are copied before awaitLaunches(). Shapes that split registers gain nothing from that.
  INGOT_INLINE int firstEnd(const Part& part) {
    if constexpr (T::kSplitsRegisters) return part.firstUnit;
    int most = part.firstUnit + T::kSlots * T::kStageUnits;
    return most < part.end ? most : part.end;
  }
  INGOT_INLINE void copyFirst(void* const* operands, const Part& part, Storage& storage) {
    Weights weights(operands, part.tile);
#pragma unroll 1
    for (int unit = part.firstUnit, slot = 0; unit < firstEnd(part); unit += T::kStageUnits) weights.copy(part, unit, slot++, storage);
    awaitLaunches();
  }
  // Copies the rows of all stages, and the weights from unit `next` on.
  INGOT_INLINE void copy(void* const* operands, int rows, const Part& part, int next, typename T::Slot& slot, Storage& storage) {
    Weights weights(operands, part.tile);
    int box = producer() * T::kCluster + T::rank() % T::kCluster, firstRow = part.firstRow + box * T::kBox;
#pragma unroll 1
    for (int unit = part.firstUnit; unit < part.end; unit += T::kStageUnits, slot.next()) {
      awaitBarrier(storage.empty, slot.index, slot.phase ^ 1);
      if (unit >= next) weights.copy(part, unit, slot.index, storage);
      if (box < part.boxes())
        copyRows<T::kBox, kCudaWideColumns, T::kCluster>(storage.x, slot.index * T::kRowChunks + box * T::kBox * 8, operands, T::kRowBytes, rows,
                                                         firstRow, unit * 16, storage.full, slot.index);
    }
  }

  INGOT_INLINE void copyAll(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    CudaWideRows rows = T::rowTiles(batch, storage);
    int cluster = index / T::kCluster, end = T::template clusters<T::kShorter>(batch, storage);
    bool claims = T::rank() == 0 && producer() == 0;
    Part part = T::partOf(rows, (cluster < end ? cluster : 0) * T::kCluster + T::rank(), 0, T::kUnits);
    copyFirst(operands, part, storage);
    typename T::Slot slot;
#pragma unroll 1
    for (int iteration = 0; cluster < end; cluster = T::nextClusterTile(iteration++, storage)) {
      int next = claims ? claimTile(cluster, T::kCluster, end) : 0;
      if (producer() == 0) expectTile<T::kCluster>(storage.tileReady, iteration % T::kTileIndices);
      part = T::partOf(rows, cluster * T::kCluster + T::rank(), 0, T::kUnits);
      copy(operands, linear::rowsOf<typename T::Constants>(batch), part, iteration == 0 ? firstEnd(part) : 0, slot, storage);
      for (int r = 0; claims && r < T::kCluster; ++r)
        broadcastTile<T::kCluster>(storage.nextTile, iteration % T::kTileIndices, next, storage.tileReady, r);
    }
    // Waits until all copies have been consumed: until then the other blocks of the cluster access this block's shared memory.
#pragma unroll 1
    for (int i = 0; i < T::kSlots; ++i, slot.next()) awaitBarrier(storage.empty, slot.index, slot.phase ^ 1);
  }
};

}  // namespace wide
