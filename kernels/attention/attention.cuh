// Causal attention over paged keys and values (Dao et al. 2022), split over blocks (Dao et al. 2023, flash decoding). A sequence is
// cut at fixed places into spans of 64 tokens and splits of 256: the softmax of a span is folded into its split, in order, and that of a
// split into the row's. So a row's bits depend on its own sequence alone, and on neither who computed which part nor the rows beside it.
//   A token alone: a tile is one split and one KV head (split.cuh), a warp a span. The last tile of a token to finish folds the splits.
//   A token that sees one split has its result at once.
//   Several tokens, or a token whose splits found no place among the partials: a warp goes through all spans (whole.cuh). Of a batch of many tokens
//   sm_90a leaves several tokens to a step of their own (prompt.cuh).
// Operands and constants as in attention.cpu.h, and behind y the partials, which are zeros between launches.
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

  // From the last split on: of a prompt, tokens behind others see more, and what takes longest begins first.
  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    const IngotSplit split = batch.splits[batch.num_splits - 1 - index / kTiles];
    if (split.index < 0 && leavesToPrompt(batch, split)) awaitLaunches();
    else if (split.index < 0) UnsplitTile<C>::run(batch, split.block, index % kTiles, operands, storage.unsplit);
    else SplitTile<C>::run(batch, split, index % kTiles, operands, storage.split, InputQueries<C>{operands});
  }
};

}  // namespace attention
