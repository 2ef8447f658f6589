// Causal attention over a paged KV cache: online softmax (Dao et al. 2022) with split-KV (flash-decoding, Dao et al. 2023).
// The KV sequence is cut at fixed positions into splits of 256 tokens, and these into spans of 64. The softmax state of each span is merged into its
// split's in ascending order, and that of each split into the row's. So the bits of a row depend on its own sequence alone, not on the tile that
// computed it nor on the rest of the batch.
//   Query blocks of one token: a tile is one split and one KV head, with a warp for each span (split.cuh). The last tile of a token to finish merges
//   its splits; a token with a single split is stored directly.
//   Query blocks of several tokens, or of one token for which the workspace of partials had no room: a warp iterates over all spans (unsplit.cuh).
//   In large batches on sm_90a, blocks of several tokens are left to a second kernel (prompt.cuh).
// Operands and constants as in attention.cpu.h, and after y the partials, whose counters are zero between launches.
#pragma once

#include "kernels/attention/split.cuh"
#include "kernels/attention/unsplit.cuh"

namespace attention {

template <class C>
struct Tile {
  static constexpr int kThreads = kCudaAttentionThreads, kTiles = attentionTiles(C::kHeads, C::kKvHeads);
  static constexpr int kMinBlocks = kHasThreeBlocks<C> ? 3 : 1;
  static constexpr bool kAwaits = true;
  INGOT_SHARED_UNION Storage {
    typename UnsplitTile<C>::Storage unsplit;
    typename SplitTile<C>::Storage split;
  };

  INGOT_INLINE bool leavesToPrompt(const IngotBatch& batch, const IngotSplit& split) {
    return kLeavesPrompts<C> && batch.num_tokens >= INGOT_MANY_TOKENS && batch.blocks[split.block].num_tokens > 1;
  }

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_splits * kTiles; }

  // Longest first: the last query blocks of a prompt see the most tokens, so tiles run from the last split to the first.
  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    const IngotSplit split = batch.splits[batch.num_splits - 1 - index / kTiles];
    if (split.index < 0 && leavesToPrompt(batch, split)) awaitLaunches();
    else if (split.index < 0) UnsplitTile<C>::run(batch, split.block, index % kTiles, operands, storage.unsplit);
    else SplitTile<C>::run(batch, split, index % kTiles, operands, storage.split, InputQueries<C>{operands});
  }
};

}  // namespace attention
