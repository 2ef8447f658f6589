// linear fused with the normalisation of its input, for a batch of one token: every block normalises the row redundantly, which saves a launch.
// The row is bit-identical to that of the kernel `rows`. C::Norm holds the constants of `rows`; its operands but for the result replace x.
#pragma once

#include "kernels/linear/linear.cuh"
#include "kernels/rows/rows.cuh"

namespace linear {

template <class C>
  requires requires { typename C::Norm; }
struct RowsOf<C> {
  typedef rows::Tile<typename C::Norm> Norm;
  static constexpr bool kMade = true;
  static constexpr int kRowWords = (int)(Norm::kResultBytes + 15) / 16;
  static constexpr int kSharedBytes = 16 * kRowWords + (2 * Norm::kWarps * 4 + 15) / 16 * 16;
  struct Storage {
    typename Norm::Storage norm;
    SharedArray<Words, kRowWords> row;
  };

  INGOT_INLINE void* const* ownOf(void* const* operands) { return operands + (Norm::kFirstExtra - 1); }
  INGOT_INLINE const char* rowIn(Storage& storage) { return (const char*)storage.row.values; }

  INGOT_INLINE void make(const IngotBatch& batch, void* const* operands, Storage& storage) {
    if (threadIdx.x < Norm::kThreads) Norm::compute(Norm::rowOf(batch, operands, 0), 0, operands, (char*)storage.row.values, storage.norm);
    else awaitLaunches();
    __syncthreads();
  }
};

}  // namespace linear
