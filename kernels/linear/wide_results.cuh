// How the sums of a warpgroup's products become results (wide.cuh): straight from registers. A thread has two channels, one of each block of its
// panel, of two neighbouring rows of every eight: its first row and `rowOf` behind that, so that one address does for all of them.
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/prim/narrow.cuh"

namespace wide {

template <class C, int Rows, int Channels, int Tiles>
struct Results {
  static constexpr int kColumns = (int)(C::kN / C::kSums), kTileColumns = Channels / (int)C::kSums, kEach = 2 / (int)C::kSums;  // of two sums
  static constexpr long long kStride = paddedColumns(kColumns);
  typedef float Sums[Rows / 2];

  INGOT_INLINE int ownRow() { return (int)threadIdx.x % 4 * 2; }
  INGOT_INLINE constexpr int rowOf(int i) { return i / 2 * 8 + i % 2; }
  INGOT_INLINE int columnOf(int tile, int result) {
    int warp = threadIdx.x / kWarp, within = warp % 2 * 8 + (int)threadIdx.x % kWarp / 4;
    return tile * kTileColumns + warp / 2 * (2 * kBlockChannels / (int)C::kSums) + within + result * kBlockChannels;
  }
  INGOT_INLINE bool isThere(int column) { return kColumns == Tiles * kTileColumns || column < kColumns; }
  INGOT_INLINE int sumOf(int i, int which) { return i / 2 * 4 + which * 2 + i % 2; }

  // Of the `rows` from firstRow on. Sums become results before the first one is stored: what a body reads is on its way all at once. Behind the
  // last row and column stands what is there, and is not stored.
  INGOT_INLINE void store(Sums& totals, int tile, long long firstRow, int rows, void* const* operands) {
    int left = rows - ownRow();
    firstRow += left > 0 ? ownRow() : 0;
#pragma unroll
    for (int i = 0; i < Rows / 4; ++i)
#pragma unroll
      for (int r = 0; r < kEach; ++r) {
        int column = columnOf(tile, r), further = rowOf(i) < left ? rowOf(i) * (int)kStride : 0;
        FurtherPlace place{{operands + 2, firstRow, isThere(column) ? column : kColumns - 1, kStride}, further};
        float sums[C::kSums];
        for (int j = 0; j < C::kSums; ++j) sums[j] = totals[sumOf(i, r + j)];
        totals[sumOf(i, r)] = C::Epilogue::apply(sums, place);
      }
#pragma unroll
    for (int i = 0; i < Rows / 4; ++i)
#pragma unroll
      for (int r = 0; r < kEach; ++r)
        if (rowOf(i) < left && isThere(columnOf(tile, r)))
          storeElement<C::kNarrowResult>(operands[2 + C::kExtras], (firstRow + rowOf(i)) * kStride + columnOf(tile, r), totals[sumOf(i, r)]);
  }
};

}  // namespace wide
