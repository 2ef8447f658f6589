// attention fused with rope_append, for a batch in which every token is of another sequence (decoding): a block rotates the queries that it needs
// itself, and appends its token's key and value. This saves a launch; the bits are those of rope_append and split.cuh, whose code it calls.
// C::Rope holds rope_append's constants; rope_append's operands but for its result replace attention's queries and cache.
#pragma once

#include "kernels/attention/attention.cuh"
#include "kernels/rope/rope_append.cuh"

namespace attention {

template <class C>
  requires requires { typename C::Rope; }
struct Tile<C> {
  typedef SplitTile<C> Split;
  typedef rope_append::Tile<typename C::Rope> Rope;
  static constexpr int kThreads = Split::kThreads, kTiles = Split::kTiles;
  // Loads of keys, and then of values, are latency-bound: three blocks per multiprocessor hide more of it. Not every model leaves enough
  // registers.
  static constexpr int kMinBlocks = C::kHeadDim <= 64 || (C::kHeadDim <= 128 && kIsPlain<C>) ? 3 : 1;
  static constexpr bool kAwaits = true;
  struct Storage {
    typename Split::Storage split;
    SharedArray<FourFloats, kTokenHeads * C::kHeadDim / 4> queries;
  };

  struct RotatedQueries {
    static constexpr int kMostHeads = (Split::kGroupHeads < kTokenHeads ? Split::kGroupHeads : kTokenHeads) + 2;
    static constexpr int kEach = (kMostHeads + Split::kWarps - 1) / Split::kWarps;  // heads per warp
    const IngotBatch& batch;
    void* const* operands;
    Storage& storage;

    // The work's query heads, then its key and value heads. Tiles that share a KV head all write those two, with the same values.
    INGOT_INLINE int headOf(const SplitWork& work, int i) {
      return i < work.heads ? work.head + i : C::kHeads + (i - work.heads) * C::kKvHeads + work.kvHead;
    }

    INGOT_MEMBER const float* operator()(const SplitWork& work, bool seesToken) const {
      int position = batch.positions[work.token], warp = threadIdx.x / kWarp, count = work.heads + (seesToken ? 2 : 0);
      long long page = Rope::pageOf(batch, work.token);
      typename Rope::Head norms[kEach], heads[kEach];
#pragma unroll
      for (int i = 0; i < kEach; ++i) norms[i] = Rope::normOf(operands, headOf(work, i * Split::kWarps + warp));
      typename Rope::Angles angles = Rope::anglesAt(operands, position);
      float* queries = (float*)storage.queries.values;
      awaitLaunches();
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        int at = i * Split::kWarps + warp;
        if (at < count) heads[i] = Rope::inputHead(operands, work.token, headOf(work, at));
      }
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        int at = i * Split::kWarps + warp, h = headOf(work, at);
        if (at >= count) break;
        Rope::normalizeAndRotate(heads[i], h, norms[i], angles);
        if (at < work.heads) Rope::storeQuery(heads[i], queries + at * C::kHeadDim);
        else Rope::append(heads[i], h, page, position % kPageTokens, operands);
      }
      syncTile<kThreads>();
      return queries;
    }
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_splits * kTiles; }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    Split::run(batch, batch.splits[index / kTiles], index % kTiles, operands + (Rope::kKeys - 1), storage.split,
               RotatedQueries{batch, operands, storage});
  }
};

}  // namespace attention
