// Producers of wide_codes.cuh: one lane copies codes and weights, three warps load the scales of the rows' groups and widen e4m3 to f16.
#pragma once

#include "kernels/linear/fragments.cuh"
#include "kernels/linear/wide.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide_codes {

// `T` is the tile, with its shape and storage.
template <class T>
struct Feed {
  typedef typename T::Storage Storage;

  // Run by one lane. Blocks past the last one repeat it, and are not stored. Weights of the first stages are copied before awaitLaunches().
  INGOT_INLINE void copyWeights(void* const* operands, int tile, int stage, int slot, Storage& storage) {
    constexpr int kRest = T::kGroups % T::kStageGroups * T::kGroupChunks * 16;
    int bytes = kRest != 0 && stage == T::kStages - 1 ? kRest : T::kStageChunks * 16;
    arriveExpectBytes(storage.full, slot, (T::kFloats ? 0 : T::kRowChunks * 16) + T::kTileBlocks * bytes);
#pragma unroll
    for (int i = 0; i < T::kTileBlocks; ++i) {
      int block = tile * T::kTileBlocks + i;
      const char* from = (const char*)operands[1] + (block < T::kBlocks ? block : T::kBlocks - 1) * T::kBlockBytes + stage * (T::kStageChunks * 16ll);
      copyBytes(storage.shared.ring.weights, slot * T::kWeightChunks + i * T::kStageChunks, from, bytes, storage.full, slot);
    }
  }
  INGOT_INLINE void copy(void* const* operands, int rows, int firstRow, int tile, Storage& storage) {
    constexpr int kFirst = T::kStages < T::kSlots ? T::kStages : T::kSlots;
#pragma unroll 1
    for (int stage = 0; stage < kFirst; ++stage) copyWeights(operands, tile, stage, stage, storage);
    awaitLaunches();
    typename T::Slot slot;
#pragma unroll 1
    for (int stage = 0; stage < T::kStages; ++stage, slot.next()) {
      awaitBarrier(storage.empty, slot.index, slot.phase ^ 1);
      if (stage >= kFirst) copyWeights(operands, tile, stage, slot.index, storage);
      auto copyAllRows = [&](auto& to, auto& barriers) {
#pragma unroll
        for (int row = 0; row < T::kRows; row += T::kBox)
          copyRows<T::kBox, kCudaWideCodesColumns, 1>(to, slot.index * T::kRowChunks + row * 8, operands, T::kRowBytes, rows, firstRow + row,
                                                      stage * kCudaWideCodesColumns, barriers, slot.index);
      };
      if constexpr (T::kFloats) {
        arriveExpectBytes(storage.codesFull, slot.index, T::kRowChunks * 16);
        copyAllRows(storage.shared.ring.codes, storage.codesFull);
      } else {
        copyAllRows(storage.shared.ring.x, storage.full);
      }
    }
  }

  // Run by three warps, with loads as many stages ahead as eight registers hold: a load may take as long as a stage of products. Rows and groups
  // past the last repeat it.
  static constexpr int kScaling = T::kScalers * kWarp, kItems = (T::kSlotPairs + kScaling - 1) / kScaling;
  static constexpr int kFit = 8 / (kItems * (T::kHasMinima ? 4 : 2)), kAhead = T::kFloats || kFit == 0 ? 1 : kFit;
  struct RowScales {
    linear::RowGroup at[kItems][2];
  };
  INGOT_INLINE void fetch(const char* x, int last, int thread, int stage, RowScales& scales) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      int item = thread + i * kScaling, group = stage * T::kStageGroups + item % T::kStageGroups, pair = item / T::kStageGroups;
      if (group >= T::kGroups) group = T::kGroups - 1;
      for (int j = 0; j < 2; ++j) {
        int row = pair * 2 + j < last ? pair * 2 + j : last;
        const char* scale = x + row * T::kRowBytes + T::kK + group * 4;
        scales.at[i][j] = {load<float>(scale), T::kHasMinima ? load<int>(scale + T::kGroups * 4ll) : 0};
      }
    }
  }
  INGOT_INLINE void put(int thread, int slot, const RowScales& scales, Storage& storage) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      int item = thread + i * kScaling;
      if (T::kSlotPairs % kScaling != 0 && item >= T::kSlotPairs) break;
      typename T::RowPair pair;
      for (int j = 0; j < 2; ++j) {
        pair.scale[j] = scales.at[i][j].scale;
        if constexpr (T::kHasMinima) pair.minimumFactor[j] = T::Coding::minimumFactor(scales.at[i][j]);
      }
      storeBeforeArrive(storage.shared.ring.pairs, slot * T::kSlotPairs + item % T::kStageGroups * T::kPairs + item / T::kStageGroups, pair,
                        storage.full, slot);
    }
  }
  // Widens 16 codes of a row to two chunks of f16: of the lower halves of words and, two chunks on, of the upper ones. Each warp takes every third
  // group of eight rows, four rows at a time. The lanes of one panel start with the lower halves, those of the other with the upper ones, so that
  // stores of a row are free of bank conflicts.
  INGOT_INLINE void widenRows(int thread, int slot, Storage& storage) {
    auto& ring = storage.shared.ring;
    int row = thread % kWarp / 8, chunk = thread % 8, panel = chunk / 4, column = (chunk / 2 % 2 * 4 + chunk % 2) ^ row;
    int from = slot * T::kRowChunks + row * 8, to = (slot * T::kPanels + panel) * T::kRowChunks + row * 8;
#pragma unroll 1
    for (int first = thread / kWarp * 64; first < T::kRowChunks; first += T::kScalers * 64) {
      Words codes[2];
      for (int half = 0; half < 2; ++half) codes[half] = ring.codes[from + first + half * 32 + (chunk ^ row ^ half * 4)];
      for (int half = 0; half < 2; ++half)
        for (int pass = 0; pass < 2; ++pass) {
          int upper = pass ^ panel;
          Words halves;
          for (int word = 0; word < 4; ++word) halves.at[word] = widenFloat8s(codes[half].at[word], upper);
          storeBeforeArrive(ring.x, to + first + half * 32 + (column ^ half * 4 ^ upper * 2), halves, storage.full, slot);
        }
    }
    fenceProxyAsync();
  }
  INGOT_INLINE void scale(const char* x, int rows, int thread, Storage& storage) {
    int last = (rows < T::kRows ? rows : T::kRows) - 1;
    RowScales scales[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) fetch(x, last, thread, i, scales[i]);
    typename T::Slot slot;
#pragma unroll 1
    for (int first = 0; first < T::kStages; first += kAhead)
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (first + i >= T::kStages) break;
        awaitBarrier(storage.empty, slot.index, slot.phase ^ 1);
        put(thread, slot.index, scales[i], storage);
        fetch(x, last, thread, first + i + kAhead, scales[i]);
        if constexpr (T::kFloats) {
          awaitBarrier(storage.codesFull, slot.index, slot.phase);
          widenRows(thread, slot.index, storage);
        }
        __syncwarp();
        if (thread % kWarp == 0) arrive<1>(storage.full, slot.index, 0);
        slot.next();
      }
  }
};

}  // namespace wide_codes
