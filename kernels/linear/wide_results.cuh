// Epilogue of wide.cuh, straight from the accumulators, in one go or in parts. A thread has two channels, one of each block of its panel, and two
// neighbouring rows of every eight. Rows are addressed relative to the thread's first one (`rowOf`).
#pragma once

#include "kernels/linear/epilogue.cuh"
#include "kernels/prim/narrow.cuh"

namespace wide {

template <class C, int Rows, int Channels, int Tiles>
struct Results {
  static constexpr int kColumns = (int)(C::kN / C::kSums), kTileColumns = Channels / (int)C::kSums,
                       kEach = 2 / (int)C::kSums;  // results per pair of sums
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

  // Origin of a tile's results; `rows` exist from firstRow on.
  struct Where {
    int tile, firstRow, rows;
  };
  // Part `Part` of `Parts` of a thread's results: row pairs i, and columns r of each.
  template <int Part, int Parts>
  struct Portion {
    static constexpr int kRowsEach = (Rows / 4 + Parts - 1) / Parts, kCount = kRowsEach * kEach;
    // Epilogue operands.
    Extras<C::kExtras> extras[kCount];

    // Calls visit(n, i, r, position) for the n-th result. Rows and columns past the last are clamped.
    template <class Visit>
    static INGOT_MEMBER void forEach(const Where& where, void* const* operands, const Visit& visit) {
      int left = where.rows - ownRow();
      long long firstRow = where.firstRow + (left > 0 ? ownRow() : 0);
#pragma unroll
      for (int n = 0; n < kCount; ++n) {
        int i = Part * kRowsEach + n / kEach, r = n % kEach, column = columnOf(where.tile, r);
        if (i >= Rows / 4) break;
        int offset = rowOf(i) < left ? rowOf(i) * (int)kStride : 0;
        visit(n, i, r, OffsetPosition{{operands + 2, firstRow, isThere(column) ? column : kColumns - 1, kStride}, offset});
      }
    }
    // Issues the loads well before store().
    INGOT_MEMBER void load(const Where& where, void* const* operands) {
      if constexpr (C::kExtras > 0)
        forEach(where, operands, [&](int n, int, int, const OffsetPosition& position) {
          float none[C::kSums] = {};
          C::Epilogue::apply(none, extras[n].loadingFrom(position));
        });
    }
    // Applies the epilogue to all sums before the first store, so that no load waits for a store.
    INGOT_MEMBER void store(const Sums& totals, const Where& where, void* const* operands) const {
      float results[kCount];
      forEach(where, operands, [&](int n, int i, int r, const OffsetPosition&) {
        float sums[C::kSums];
        for (int j = 0; j < C::kSums; ++j) sums[j] = totals[sumOf(i, r + j)];
        results[n] = C::Epilogue::apply(sums, extras[n]);
      });
      forEach(where, operands, [&](int n, int i, int r, const OffsetPosition& position) {
        int column = columnOf(where.tile, r);
        if (rowOf(i) < where.rows - ownRow() && isThere(column))
          storeElement<C::kNarrowResult>(operands[2 + C::kExtras], (position.first.row + rowOf(i)) * kStride + column, results[n]);
      });
    }
  };
  // All results, in parts: the loads of a part are in flight while the part before it is stored.
  static constexpr int kParts = 4;
  template <int Part>
  INGOT_INLINE void storeFrom(const Portion<Part, kParts>& loaded, const Sums& totals, const Where& where, void* const* operands) {
    if constexpr (Part + 1 < kParts) {
      Portion<Part + 1, kParts> next;
      next.load(where, operands);
      loaded.store(totals, where, operands);
      storeFrom<Part + 1>(next, totals, where, operands);
    } else {
      loaded.store(totals, where, operands);
    }
  }
  INGOT_INLINE void storeAll(const Sums& totals, const Where& where, void* const* operands) {
    Portion<0, kParts> first;
    first.load(where, operands);
    storeFrom<0>(first, totals, where, operands);
  }
};

}  // namespace wide
