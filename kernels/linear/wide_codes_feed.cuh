// What brings rows and weights of codes to where they are multiplied (wide_codes.cuh): one warp copies, three take what rows say of their groups.
#pragma once

#include "kernels/linear/fragments.cuh"
#include "kernels/linear/wide.spec.h"
#include "kernels/prim/warpgroup.cuh"

namespace wide_codes {

// T is a tile, with its shape and its storage.
template <class T>
struct Feed {
  typedef typename T::Storage Storage;

  // One lane copies codes. Blocks behind the last one repeat it, and are not stored. Weights of the first stages do not wait for the launches before.
  INGOT_INLINE void copyWeights(void* const* operands, int tile, int stage, int slot, Storage& storage) {
    constexpr int kRest = T::kGroups % T::kStageGroups * T::kGroupChunks * 16;
    int bytes = kRest != 0 && stage == T::kStages - 1 ? kRest : T::kStageChunks * 16;
    announceBytes(storage.full, slot, (T::kFloats ? 0 : T::kRowChunks * 16) + T::kTileBlocks * bytes);
#pragma unroll
    for (int i = 0; i < T::kTileBlocks; ++i) {
      int block = tile * T::kTileBlocks + i;
      const char* from = (const char*)operands[1] + (block < T::kBlocks ? block : T::kBlocks - 1) * T::kBlockBytes + stage * (T::kStageChunks * 16ll);
      copyBytes(storage.places.ring.weights, slot * T::kWeightChunks + i * T::kStageChunks, from, bytes, storage.full, slot);
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
      awaitBarrier(storage.empty, slot.at, slot.round ^ 1);
      if (stage >= kFirst) copyWeights(operands, tile, stage, slot.at, storage);
      auto copyAllRows = [&](auto& to, auto& barriers) {
#pragma unroll
        for (int row = 0; row < T::kRows; row += T::kBox)
          copyRows<T::kBox, kCudaWideCodesColumns, 1>(to, slot.at * T::kRowChunks + row * 8, operands, T::kRowBytes, rows, firstRow + row,
                                                      stage * kCudaWideCodesColumns, barriers, slot.at);
      };
      if constexpr (T::kFloats) {
        announceBytes(storage.came, slot.at, T::kRowChunks * 16);
        copyAllRows(storage.places.ring.codes, storage.came);
      } else {
        copyAllRows(storage.places.ring.x, storage.full);
      }
    }
  }

  // Three warps take what rows say of their groups, as many stages ahead as eight registers hold: a load takes as long as a stage of products may.
  // Rows behind the last one repeat it, as groups do.
  static constexpr int kScaling = T::kScalers * kWarp, kItems = (T::kPairPlaces + kScaling - 1) / kScaling;
  static constexpr int kFit = 8 / (kItems * (T::kHasMinima ? 4 : 2)), kAhead = T::kFloats || kFit == 0 ? 1 : kFit;
  struct Said {
    linear::RowGroup at[kItems][2];
  };
  INGOT_INLINE void fetch(const char* x, int last, int thread, int stage, Said& said) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      int item = thread + i * kScaling, group = stage * T::kStageGroups + item % T::kStageGroups, pair = item / T::kStageGroups;
      if (group >= T::kGroups) group = T::kGroups - 1;
      for (int j = 0; j < 2; ++j) {
        int row = pair * 2 + j < last ? pair * 2 + j : last;
        const char* scale = x + row * T::kRowBytes + T::kK + group * 4;
        said.at[i][j] = {load<float>(scale), T::kHasMinima ? load<int>(scale + T::kGroups * 4ll) : 0};
      }
    }
  }
  INGOT_INLINE void put(int thread, int slot, const Said& said, Storage& storage) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      int item = thread + i * kScaling;
      if (T::kPairPlaces % kScaling != 0 && item >= T::kPairPlaces) break;
      typename T::RowPair pair;
      for (int j = 0; j < 2; ++j) {
        pair.scale[j] = said.at[i][j].scale;
        if constexpr (T::kHasMinima) pair.minimumFactor[j] = T::Coding::minimumFactor(said.at[i][j]);
      }
      storeBehind(storage.places.ring.pairs, slot * T::kPairPlaces + item % T::kStageGroups * T::kPairs + item / T::kStageGroups, pair, storage.full,
                  slot);
    }
  }
  // 16 codes of a row become two chunks of f16, of the words' lower halves and, two chunks on, of the upper ones. A warp has every third eight rows,
  // four at a time, a lane the same chunk of each; the lanes of one panel begin with the lower halves, of the other with the upper ones, so that a
  // row's stores go to different banks.
  INGOT_INLINE void widenRows(int thread, int slot, Storage& storage) {
    auto& ring = storage.places.ring;
    int row = thread % kWarp / 8, chunk = thread % 8, panel = chunk / 4, place = (chunk / 2 % 2 * 4 + chunk % 2) ^ row;
    int from = slot * T::kRowChunks + row * 8, to = (slot * T::kPanels + panel) * T::kRowChunks + row * 8;
#pragma unroll 1
    for (int first = thread / kWarp * 64; first < T::kRowChunks; first += T::kScalers * 64) {
      Words codes[2];
      for (int half = 0; half < 2; ++half) codes[half] = ring.codes[from + first + half * 32 + (chunk ^ row ^ half * 4)];
      for (int half = 0; half < 2; ++half)
        for (int turn = 0; turn < 2; ++turn) {
          int upper = turn ^ panel;
          Words halves;
          for (int word = 0; word < 4; ++word) halves.at[word] = widenFloat8s(codes[half].at[word], upper);
          storeBehind(ring.x, to + first + half * 32 + (place ^ half * 4 ^ upper * 2), halves, storage.full, slot);
        }
    }
    showStores();
  }
  INGOT_INLINE void scale(const char* x, int rows, int thread, Storage& storage) {
    int last = (rows < T::kRows ? rows : T::kRows) - 1;
    Said said[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) fetch(x, last, thread, i, said[i]);
    typename T::Slot slot;
#pragma unroll 1
    for (int first = 0; first < T::kStages; first += kAhead)
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (first + i >= T::kStages) break;
        awaitBarrier(storage.empty, slot.at, slot.round ^ 1);
        put(thread, slot.at, said[i], storage);
        fetch(x, last, thread, first + i + kAhead, said[i]);
        if constexpr (T::kFloats) {
          awaitBarrier(storage.came, slot.at, slot.round);
          widenRows(thread, slot.at, storage);
        }
        __syncwarp();
        if (thread % kWarp == 0) arrive<1>(storage.full, slot.at, 0);
        slot.next();
      }
  }
};

}  // namespace wide_codes
