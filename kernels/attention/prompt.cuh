// attention of prompts with the warpgroup tensor cores of sm_90a: a kernel launched beside that of attention.cuh, which skips query blocks of
// several tokens in large batches. It is warp-specialised: two consumer warpgroups iterate over the spans, each warp with 16 query rows, and
// overlap P*V of one span with Q*K and the softmax of the next; producer warps fill a ring of shared-memory stages with keys and values
// (prompt_ring.cuh). Queries are in shared memory too. Products, softmax and merges are in the order of unsplit.cuh, so the bits of a row are the
// same in both. Operands and constants as in attention.cuh; the cache has 16-bit elements.
#pragma once

#include "kernels/attention/prompt_ring.cuh"

namespace prompt {

template <class C>
struct Tile {
  static_assert(kLeavesPrompts<C>);
  static constexpr int kThreads = kCudaPromptThreads, kDynamicBytes = cudaPromptBytes(C::kHeadDim), kMinBlocks = 1;
  static constexpr bool kAwaits = true;
  static constexpr int kHeadDim = C::kHeadDim, kSteps = kHeadDim / 16, kWarps = kCudaPromptWarps, kGroupWarps = 4;
  static constexpr int kGroups = kWarps / kGroupWarps;
  static_assert(kGroupWarps * kAttentionRows == kSpanTokens, "a warpgroup's queries lie as a span's keys do");
  typedef prompt::Ring<C, kWarps, kGroups> Ring;
  typedef typename Ring::Slot Slot;
  static constexpr int kSlotChunks = Ring::kSlotChunks, kPanelChunks = Ring::kPanelChunks;
  static_assert(kThreads == (kWarps + 2 * Ring::kProducers) * kWarp);
  typedef attention::Rows<C, kWarps, kHeadDim> Rows;
  typedef typename Rows::Work Work;
  typedef TensorCore<C> Core;
  typedef typename Core::Type Type;
  typedef typename Core::Weights Weights;
  static_assert(Rows::kColumns == kHeadDim);
  static constexpr int kTiles = Rows::kKvHeads * Rows::kParts;

  // The soft cap needs the registers that overlapped products would hold.
  static constexpr bool kOverlaps = C::kSoftcap == 0;
  typedef RegisterSplit<kThreads, kMinBlocks, 48, 208, 2 * Ring::kProducers * kWarp> Registers;
  struct Storage {
    typename Ring::Shared ring;  // with every warpgroup's queries
    typename Rows::Shared rows;
    SharedArray<SoftmaxState, 2 * kWarps * kWarp> softmax;  // [split parity][thread]
    SharedArray<FourFloats, kWarps * kWarp> rescale;        // of the current span: `before` of both rows, then `after`
    SharedBarriers<kGroups> queriesBarrier;                 // phases alternate: the old queries are no longer read; the new ones are stored
  };

  INGOT_INLINE int groupOf() { return threadIdx.x / (kGroupWarps * kWarp); }
  INGOT_INLINE int groups(const IngotBatch& batch) { return (batch.num_blocks + Rows::kBlocks - 1) / Rows::kBlocks; }
  INGOT_INLINE int count(const IngotBatch& batch) { return groups(batch) * kTiles; }

  // Barrier of the four warps of a warpgroup.
  INGOT_INLINE void syncWarpgroup(int group, unsigned parity, Storage& storage) {
    __syncwarp();
    if (threadIdx.x % kWarp == 0) arrive<1>(storage.queriesBarrier, group, 0);
    awaitBarrier(storage.queriesBarrier, group, parity);
  }
  // Stores the warp's queries to shared memory once its warpgroup no longer reads the previous ones, then waits for all four warps.
  INGOT_INLINE void storeQueries(const Work& work, void* const* operands, Storage& storage) {
    int group = groupOf(), lane = threadIdx.x % kWarp, row = lane % 8, warp = threadIdx.x / kWarp % kGroupWarps;
    int at = Ring::queriesAt(group) + (warp * kAttentionRows + lane / 8 % 2 * 8 + row) * 8 + (lane / 16 ^ row);
    const float* q = (const float*)operands[0] + (long long)work.row * kHeadDim;
    syncWarpgroup(group, 0, storage);
#pragma unroll
    for (int k = 0; k < kSteps; ++k)
      storeMatrices(storage.ring.words, Ring::template sharedOffset<false>(at, k), Core::queryAt(q, C::kHeads * kHeadDim, work.tokens(), k),
                    storage.queriesBarrier, group);
    fenceProxyAsync();
    syncWarpgroup(group, 1, storage);
  }

  typedef float Scores[kSpanTokens / 2];
  typedef float Output[kHeadDim / 2];
  template <bool Keeps>
  INGOT_INLINE void multiplyKeys(Scores& scores, int queries, int keys, int step, Storage& storage) {
    queries += step / 4 * kPanelChunks, keys += step / 4 * kPanelChunks;
    if constexpr (C::kCache == CacheType::bf16) multiplySharedBfloats<Keeps>(scores, storage.ring.words, queries, storage.ring.words, keys, step % 4);
    else multiplySharedHalves<Keeps>(scores, storage.ring.words, queries, storage.ring.words, keys, step % 4);
  }
  template <bool Keeps>
  INGOT_INLINE void multiplyValues(Output& output, const Weights& weights, int page, const Slot& slot, Storage& storage) {
    if constexpr (C::kCache == CacheType::bf16)
      multiplyWideBfloats<Keeps, kHeadDim>(output, weights.at, storage.ring.words, slot.index * kSlotChunks, page);
    else multiplyWideHalves<Keeps, kHeadDim>(output, weights.at, storage.ring.words, slot.index * kSlotChunks, page);
  }
  INGOT_INLINE void beginScores(Scores& scores, const Slot& slot, Storage& storage) {
    int queries = Ring::queriesAt(groupOf()), keys = slot.index * kSlotChunks;
    opaque(queries);  // otherwise every address derived from it stays live across spans
    awaitBarrier(storage.ring.full, slot.index, slot.phase);
    beginProducts();
    multiplyKeys<false>(scores, queries, keys, 0, storage);
#pragma unroll
    for (int step = 1; step < kSteps; ++step) multiplyKeys<true>(scores, queries, keys, step, storage);
    commitProducts();
  }
  INGOT_INLINE void beginValues(const Weights (&weights)[kSpanPages], Output& output, const Slot& slot, Storage& storage) {
    awaitBarrier(storage.ring.full, slot.index, slot.phase);
    beginProducts();
    multiplyValues<false>(output, weights[0], 0, slot, storage);
#pragma unroll
    for (int p = 1; p < kSpanPages; ++p) multiplyValues<true>(output, weights[p], p, slot, storage);
    commitProducts();
  }

  // State of a consumer warp in the software pipeline: the sums of the current split, and the softmax weights of the span whose P*V is still to be
  // issued. The rest of a lane's state is in shared memory for lack of registers.
  struct Pipeline {
    const Work& work;
    typename Rows::Sums sums;
    Weights weights[kSpanPages];
    bool sees;  // some row sees a token of the span

    INGOT_INLINE int stateAt(int start) { return start / INGOT_SPLIT_TOKENS % 2 * kWarps * kWarp + (int)threadIdx.x; }

    // Replaces the scores of a span by softmax weights; `by` receives the rescale factors of both rows.
    INGOT_MEMBER void softmaxSpan(Scores& scores, int start, bool isFirst, FourFloats& by, Storage& storage) const {
      SoftmaxState softmax = emptySoftmax();
      if (!isFirst) softmax = storage.softmax[stateAt(start)];
      if (work.sees(start)) {
        Rescale rescale[2];
        Span<C>::template softmaxSpan<Type>((PageScores(&)[kSpanPages])scores, start, work.range, {}, softmax, rescale);
        for (int r = 0; r < 2; ++r) by.at[r] = rescale[r].before, by.at[2 + r] = rescale[r].after;
      }
      storage.softmax[stateAt(start)] = softmax;
    }
    INGOT_MEMBER void keep(const Scores& scores, int start, const FourFloats& by, Storage& storage) {
      sees = work.sees(start);
      storage.rescale[threadIdx.x] = by;
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p) weights[p] = sees ? Core::weightsOf(((const PageScores(&)[kSpanPages])scores)[p]) : Weights{};
    }
    INGOT_MEMBER void fold(const Output& output, Storage& storage) {
      if (!sees) return;
      FourFloats by = storage.rescale[threadIdx.x];
#pragma unroll
      for (int i = 0; i < kHeadDim / 2; ++i) {
        float& sum = sums.output[i / 4][i % 4];
        sum = attention::fold(sum, output[i], {0, by.at[i % 4 / 2], by.at[2 + i % 4 / 2]});
      }
    }
    INGOT_MEMBER void endSplit(int start, Storage& storage) {
      (SoftmaxState&)sums = storage.softmax[stateAt(start)];
      Rows::foldSplit(sums, start / INGOT_SPLIT_TOKENS, work.range, storage.rows);
      sums.clear();
    }
  };
  // Adds the spans from token `start` to `last`. The warpgroup sees a token of each.
  INGOT_INLINE void foldSpans(const Work& work, int start, int last, Slot& slot, Storage& storage) {
    Scores scores;
    Output output;
    FourFloats by{};
    Pipeline pipeline{work};
    pipeline.sums.clear();
    beginScores(scores, slot, storage);
    waitForProducts<0>(scores);
    Ring::release(slot, storage.ring);
    pipeline.softmaxSpan(scores, start, true, by, storage);
    pipeline.keep(scores, start, by, storage);
    auto endValues = [&](const Slot& values, bool endsSplit) -> void {
      waitForProducts<0>(output);
      Ring::release(values, storage.ring);
      pipeline.fold(output, storage);
      if (endsSplit) pipeline.endSplit(start, storage);
    };
#pragma unroll 1
    while (start + kSpanTokens <= last) {
      int next = start + kSpanTokens;
      Slot values = slot.following();
      slot = values.following();
      if constexpr (kOverlaps) beginScores(scores, slot, storage);
      beginValues(pipeline.weights, output, values, storage);
      if constexpr (!kOverlaps) endValues(values, next % INGOT_SPLIT_TOKENS == 0);
      if constexpr (!kOverlaps) beginScores(scores, slot, storage);
      waitForProducts<kOverlaps ? 1 : 0>(scores);
      Ring::release(slot, storage.ring);
      pipeline.softmaxSpan(scores, next, next % INGOT_SPLIT_TOKENS == 0, by, storage);
      if constexpr (kOverlaps) endValues(values, next % INGOT_SPLIT_TOKENS == 0);
      start = next;
      pipeline.keep(scores, start, by, storage);
    }
    slot.next();
    beginValues(pipeline.weights, output, slot, storage);
    endValues(slot, true);
    slot.next();
  }

  // KV range that this warpgroup's query blocks see; empty if it has none. `blocks` is the number of query blocks of the tile.
  INGOT_INLINE KvRange ownOf(const IngotBatch& batch, int index, int blocks) {
    int warp = groupOf() * kGroupWarps;
    opaque(warp);  // not kept live across tiles
    int first = warp / Rows::kPartHeads, last = (warp + kGroupWarps - 1) / Rows::kPartHeads;
    if (first < blocks) return Rows::kvRangeOf(batch, index + first, (last < blocks ? last + 1 : blocks) - first);
    return {Rows::kvRangeOf(batch, index, blocks).last + 1, -1, nullptr};
  }
  // Computes the calling warp's rows of the query blocks from `index` on; returns the number of query blocks. Their extents are recomputed at the
  // end, so that no register holds them across the loop.
  INGOT_INLINE int attend(const IngotBatch& batch, int index, int tile, void* const* operands, Slot& slot, Storage& storage) {
    int blocks = Rows::blocksFrom(batch, index);
    if (batch.blocks[index].num_tokens <= 1) return blocks;
    KvRange kv = Rows::kvRangeOf(batch, index, blocks), own = ownOf(batch, index, blocks);
    int start = kv.first / kSpanTokens * kSpanTokens;
    Work work = Rows::workOf(batch, index, blocks, tile);
    storeQueries(work, operands, storage);
    for (; start + kSpanTokens <= own.first && start <= kv.last; start += kSpanTokens) Ring::skip(slot, storage.ring);
    if (start <= own.last) {
      foldSpans(work, start, own.last, slot, storage);
      start = (own.last / kSpanTokens + 1) * kSpanTokens;
    }
    blocks = Rows::blocksFrom(batch, index);
    for (int last = Rows::kvRangeOf(batch, index, blocks).last; start <= last; start += kSpanTokens) Ring::skip(slot, storage.ring);
    if (work.range.last >= 0) Rows::finish(Rows::workOf(batch, index, blocks, tile), operands[3], storage.rows);
    return blocks;
  }

  // Longest first. Query blocks that cannot be joined are taken one after another: visit(i) returns how many it took, starting with block i.
  template <class Visit>
  INGOT_INLINE void forEach(const IngotBatch& batch, int index, const Visit& visit) {
    int i = (groups(batch) - 1 - index / kTiles) * Rows::kBlocks;
#pragma unroll 1
    do i += visit(i);
    while (i % Rows::kBlocks != 0 && i < batch.num_blocks);
  }
  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    int tile = index % kTiles;
    if (threadIdx.x == 0) {
      Ring::init(storage.ring);
      for (int i = 0; i < kGroups; ++i) initBarrier(storage.queriesBarrier, i, kGroupWarps);
    }
    fenceBarrierInit();
    __syncthreads();
    awaitLaunches();
    Slot slot;
    if (warpOf(threadIdx.x) >= kWarps) {
      releaseRegisters<Registers::kProducer>();
      bool values = warpOf(threadIdx.x) >= kWarps + Ring::kProducers;
      if (values) slot.next();
      forEach(batch, index, [&](int i) {
        int blocks = Rows::blocksFrom(batch, i);
        if (batch.blocks[i].num_tokens <= 1) return blocks;
        KvRange kv = Rows::kvRangeOf(batch, i, blocks);
        if (values) Ring::template produce<true>(kv, Rows::kvHeadOf(tile), operands, slot, storage.ring);
        else Ring::template produce<false>(kv, Rows::kvHeadOf(tile), operands, slot, storage.ring);
        return blocks;
      });
    } else {
      acquireRegisters<Registers::kConsumer>();
      forEach(batch, index, [&](int i) { return attend(batch, i, tile, operands, slot, storage); });
    }
  }
};

}  // namespace prompt
