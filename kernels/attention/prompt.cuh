// attention of prompts on the tensor cores of sm_90a, in a step beside that of attention.cuh, which leaves them to it where a batch has many tokens.
// Two warpgroups have the rows of eight warps as whole.cuh has those of four, and go through the same spans: while the values of one are multiplied,
// the scores of the next one become weights. Four warps bring keys, and four values: they take the page's fragments into registers and lay them out
// in shared memory as products of a warpgroup read them; queries lie there too. Products, the softmax and the folds come in the order of whole.cuh,
// so a row's bits are the same in both. Operands and constants as in attention.cuh, of caches of 16 bits.
#pragma once

#include "kernels/attention/rows.cuh"
#include "kernels/attention/tensor.cuh"
#include "kernels/prim/warpgroup.cuh"

namespace prompt {

using namespace attention;

template <class C>
struct Tile {
  static_assert(kLeavesPrompts<C>);
  static constexpr int kThreads = kCudaPromptThreads, kDynamicBytes = cudaPromptBytes(C::kHeadDim), kMinBlocks = 1;
  static constexpr bool kAwaits = true;
  static constexpr int kHeadDim = C::kHeadDim, kSteps = kHeadDim / 16, kWarps = kCudaPromptWarps, kGroupWarps = 4;
  static constexpr int kGroups = kWarps / kGroupWarps, kBringers = (kThreads / kWarp - kWarps) / 2;
  static_assert(kBringers == kSpanPages, "of every span a warp brings a page's keys, or its values");
  typedef attention::Rows<C, kWarps, kHeadDim> Rows;
  typedef typename Rows::Work Work;
  typedef TensorCore<C> Core;
  typedef typename Core::Type Type;
  typedef typename Core::Weights Weights;
  static_assert(Rows::kColumns == kHeadDim);
  static constexpr int kTiles = Rows::kKvHeads * Rows::kParts;

  // A slot has the keys of a span, and the next one its values: lines of 64 columns of a token, or of all tokens of a column, in panels of as many
  // lines as there are tokens. A warpgroup's queries lie as keys do.
  static constexpr int kSlots = kCudaPromptSlots, kPanelChunks = kSpanTokens * 8, kSlotChunks = kHeadDim / 64 * kPanelChunks;
  static_assert(kSlots % 2 == 0 && kGroupWarps * kAttentionRows == kSpanTokens);
  struct Slot : RingSlot<kSlots> {
    INGOT_MEMBER Slot behind() const {
      Slot slot = *this;
      slot.next();
      return slot;
    }
    INGOT_MEMBER void skip() {
      this->next();
      this->next();
    }
  };
  // Caps of scores take the registers of products that would go on meanwhile.
  static constexpr bool kOverlaps = C::kSoftcap == 0;
  typedef SharedRegisters<kThreads, kMinBlocks, 48, 208, 2 * kBringers * kWarp> Registers;
  struct Storage {
    SharedArray<Words, kSlots * kSlotChunks> slots;
    SharedArray<Words, kGroups * kSlotChunks> queries;
    typename Rows::Shared rows;
    SharedBarriers<kSlots> full, empty;
    SharedArray<Weighed, 2 * kWarps * kWarp> weighed;      // of every lane, in turn of a split and of the next one
    SharedArray<FourFloats, kWarps * kWarp> factors;       // of the span at hand: before, after
    SharedBarriers<kGroups> asked;  // in turn: a warpgroup's queries are read for the last time, the next ones are there
  };

  INGOT_INLINE int groupOf() { return threadIdx.x / (kGroupWarps * kWarp); }
  INGOT_INLINE int groups(const IngotBatch& batch) { return (batch.num_blocks + Rows::kBlocks - 1) / Rows::kBlocks; }
  INGOT_INLINE int count(const IngotBatch& batch) { return groups(batch) * kTiles; }

  // Of a page that is nobody's the nearest one.
  INGOT_INLINE long long headAt(const Reach& reach, int page, int kvHead) {
    int first = reach.first / kPageTokens, last = reach.last / kPageTokens;
    return headOffset(C::kCache, reach.pages[page < first ? first : page > last ? last : page], C::kLayers, kvHead, C::kKvHeads, kHeadDim);
  }
  // The lane's words of a page's keys or values.
  INGOT_INLINE const Words* wordsAt(void* const* operands, int which, long long head) {
    return (const Words*)((const Type*)operands[which] + head) + threadIdx.x % kWarp;
  }
  // Where the lane stores eight halves of a page's first 16 columns, and of further ones. A page's tokens are lines of keys, and columns of values.
  template <bool Values>
  INGOT_INLINE int placeOf(int page) {
    int lane = threadIdx.x % kWarp, row = lane % 8, line = (Values ? 0 : page * 16) + lane / 16 * 8 + row,
        chunk = (Values ? page * 2 : 0) + lane / 8 % 2;
    return line * 8 + (chunk ^ row);
  }
  template <bool Values>
  INGOT_INLINE int placeOf(int place, int step) {
    return Values ? place + step * 128 : (place ^ step % 4 * 2) + step / 4 * kPanelChunks;
  }
  // Nobody wrote the values of tokens behind the last one, or those of a page that is nobody's: they may be no numbers, and become zeros.
  INGOT_INLINE void clear(Words (&words)[kSteps], int start, const Reach& reach) {
    if (start + kPageTokens - 1 <= reach.last && start >= reach.first / kPageTokens * kPageTokens) return;
    unsigned masks[2];
    for (int half = 0; half < 2; ++half) {
      int token = start + half * 8 + threadIdx.x % 4 * 2;
      bool isThere = start + kPageTokens > reach.first;
      masks[half] = (isThere && token <= reach.last ? 0xffffu : 0u) | (isThere && token < reach.last ? 0xffff0000u : 0u);
    }
#pragma unroll
    for (int i = 0; i < kSteps * 4; ++i) words[i / 4].at[i % 4] &= masks[i % 2];
  }
  // Keys, or values, of the warp's page of every span, of which the next one is on its way while one is laid out.
  template <bool Values>
  INGOT_INLINE void bring(const Reach& reach, int kvHead, void* const* operands, Slot& slot, Storage& storage) {
    int page = warpOf(threadIdx.x) % kBringers, start = reach.first / kSpanTokens * kSpanTokens, first = placeOf<Values>(page);
    auto fetch = [&](int from, Words(&words)[kSteps]) {
      const Words* at = wordsAt(operands, Values ? 2 : 1, headAt(reach, from / kPageTokens + page, kvHead));
#pragma unroll
      for (int step = 0; step < kSteps; ++step) words[step] = load<Words>(at + step * kWarp);
    };
    Words words[kSteps];
    fetch(start, words);
#pragma unroll 1
    for (; start <= reach.last; start += kSpanTokens) {
      if constexpr (Values) clear(words, start + page * kPageTokens, reach);
      awaitBarrier(storage.empty, slot.at, slot.round ^ 1);
#pragma unroll
      for (int step = 0; step < kSteps; ++step)
        storeMatrices(storage.slots, slot.at * kSlotChunks + placeOf<Values>(first, step), words[step], storage.full, slot.at);
      showStores();
      __syncwarp();
      if (threadIdx.x % kWarp == 0) arrive<1>(storage.full, slot.at, 0);
      slot.skip();
      fetch(start + kSpanTokens, words);
    }
  }

  // Puts the warp's queries beside those of its warpgroup, behind whose last products with the ones before it, and waits for them.
  INGOT_INLINE void awaitAll(int group, unsigned parity, Storage& storage) {
    __syncwarp();
    if (threadIdx.x % kWarp == 0) arrive<1>(storage.asked, group, 0);
    awaitBarrier(storage.asked, group, parity);
  }
  INGOT_INLINE void ask(const Work& work, void* const* operands, Storage& storage) {
    int group = groupOf(), lane = threadIdx.x % kWarp, row = lane % 8, warp = threadIdx.x / kWarp % kGroupWarps;
    int place = group * kSlotChunks + (warp * kAttentionRows + lane / 8 % 2 * 8 + row) * 8 + (lane / 16 ^ row);
    const float* q = (const float*)operands[0] + (long long)work.row * kHeadDim;
    awaitAll(group, 0, storage);
#pragma unroll
    for (int k = 0; k < kSteps; ++k)
      storeMatrices(storage.queries, placeOf<false>(place, k), Core::queryAt(q, C::kHeads * kHeadDim, work.tokens(), k), storage.asked, group);
    showStores();
    awaitAll(group, 1, storage);
  }

  INGOT_INLINE void leave(const Slot& slot, Storage& storage) {
    __syncwarp();
    if (threadIdx.x % kWarp == 0) arrive<1>(storage.empty, slot.at, 0);
  }
  // A span of which the warpgroup sees nothing.
  INGOT_INLINE void pass(Slot& slot, Storage& storage) {
    for (int i = 0; i < 2; ++i, slot.next()) {
      awaitBarrier(storage.full, slot.at, slot.round);
      leave(slot, storage);
    }
  }

  typedef float Scores[kSpanTokens / 2];
  typedef float Output[kHeadDim / 2];
  template <bool Keeps>
  INGOT_INLINE void multiplyKeys(Scores& scores, int queries, int keys, int step, Storage& storage) {
    queries += step / 4 * kPanelChunks, keys += step / 4 * kPanelChunks;
    if constexpr (C::kCache == CacheType::bf16) multiplyLinesOfBfloats<Keeps>(scores, storage.queries, queries, storage.slots, keys, step % 4);
    else multiplyLinesOfHalves<Keeps>(scores, storage.queries, queries, storage.slots, keys, step % 4);
  }
  template <bool Keeps>
  INGOT_INLINE void multiplyValues(Output& output, const Weights& weights, int page, const Slot& slot, Storage& storage) {
    if constexpr (C::kCache == CacheType::bf16)
      multiplyWideBfloats<Keeps, kHeadDim>(output, weights.at, storage.slots, slot.at * kSlotChunks, page);
    else multiplyWideHalves<Keeps, kHeadDim>(output, weights.at, storage.slots, slot.at * kSlotChunks, page);
  }
  INGOT_INLINE void beginScores(Scores& scores, const Slot& slot, Storage& storage) {
    int queries = groupOf() * kSlotChunks, keys = slot.at * kSlotChunks;
    settle(queries);  // else all of their places are kept from span to span
    awaitBarrier(storage.full, slot.at, slot.round);
    beginProducts();
    multiplyKeys<false>(scores, queries, keys, 0, storage);
#pragma unroll
    for (int step = 1; step < kSteps; ++step) multiplyKeys<true>(scores, queries, keys, step, storage);
    closeProducts();
  }
  INGOT_INLINE void beginValues(const Weights (&weights)[kSpanPages], Output& output, const Slot& slot, Storage& storage) {
    awaitBarrier(storage.full, slot.at, slot.round);
    beginProducts();
    multiplyValues<false>(output, weights[0], 0, slot, storage);
#pragma unroll
    for (int p = 1; p < kSpanPages; ++p) multiplyValues<true>(output, weights[p], p, slot, storage);
    closeProducts();
  }

  // Where a warp is: what it has summed up of a split, and the span whose weights are there, and whose values are not multiplied yet. What else a
  // lane has of both lies in shared memory: registers are short.
  struct Course {
    const Work& work;
    typename Rows::Sums sums;
    Weights weights[kSpanPages];
    bool sees;  // any of the span

    INGOT_INLINE int placeOf(int start) { return start / INGOT_SPLIT_TOKENS % 2 * kWarps * kWarp + (int)threadIdx.x; }

    // Scores of a span become weights in place.
    INGOT_MEMBER void soften(Scores& scores, int start, bool isFirst, FourFloats& by, Storage& storage) const {
      Weighed weighed = weighedNothing();
      if (!isFirst) weighed = storage.weighed[placeOf(start)];
      if (work.sees(start)) {
        Factors factors[2];
        Span<C>::template soften<Type>((PageScores(&)[kSpanPages])scores, start, work.sight, nullptr, 0, nullptr, weighed, factors);
        for (int r = 0; r < 2; ++r) by.at[r] = factors[r].before, by.at[2 + r] = factors[r].after;
      }
      storage.weighed[placeOf(start)] = weighed;
    }
    INGOT_MEMBER void keep(const Scores& scores, int start, const FourFloats& by, Storage& storage) {
      sees = work.sees(start);
      storage.factors[threadIdx.x] = by;
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p) weights[p] = sees ? Core::weightsOf(((const PageScores(&)[kSpanPages])scores)[p]) : Weights{};
    }
    INGOT_MEMBER void fold(const Output& output, Storage& storage) {
      if (!sees) return;
      FourFloats by = storage.factors[threadIdx.x];
#pragma unroll
      for (int i = 0; i < kHeadDim / 2; ++i) {
        float& sum = sums.output[i / 4][i % 4];
        sum = fma(output[i], by.at[2 + i % 4 / 2], sum * by.at[i % 4 / 2]);
      }
    }
    INGOT_MEMBER void endSplit(int start, Storage& storage) {
      (Weighed&)sums = storage.weighed[placeOf(start)];
      Rows::foldSplit(sums, start / INGOT_SPLIT_TOKENS, work.sight, storage.rows);
      sums.clear();
    }
  };
  // Folds in the spans from token `start` on, of each of which the warpgroup sees something.
  INGOT_INLINE void foldSpans(const Work& work, int start, int last, Slot& slot, Storage& storage) {
    Scores scores;
    Output output;
    FourFloats by{};
    Course course{work};
    course.sums.clear();
    beginScores(scores, slot, storage);
    waitForProducts<0>(scores);
    leave(slot, storage);
    course.soften(scores, start, true, by, storage);
    course.keep(scores, start, by, storage);
#pragma unroll 1
    while (start + kSpanTokens <= last) {
      int next = start + kSpanTokens;
      Slot values = slot.behind();
      auto endValues = [&]() -> void {
        waitForProducts<0>(output);
        leave(values, storage);
        course.fold(output, storage);
        if (next % INGOT_SPLIT_TOKENS == 0) course.endSplit(start, storage);
      };
      slot = values.behind();
      if constexpr (kOverlaps) beginScores(scores, slot, storage);
      beginValues(course.weights, output, values, storage);
      if constexpr (!kOverlaps) endValues();
      if constexpr (!kOverlaps) beginScores(scores, slot, storage);
      waitForProducts<kOverlaps ? 1 : 0>(scores);
      leave(slot, storage);
      course.soften(scores, next, next % INGOT_SPLIT_TOKENS == 0, by, storage);
      if constexpr (kOverlaps) endValues();
      start = next;
      course.keep(scores, start, by, storage);
    }
    slot.next();
    beginValues(course.weights, output, slot, storage);
    waitForProducts<0>(output);
    leave(slot, storage);
    slot.next();
    course.fold(output, storage);
    course.endSplit(start, storage);
  }

  // What the calling warp's warpgroup sees of a tile of so many query blocks: a part of what the tile does, or, where it has no work, nothing.
  INGOT_INLINE Reach ownOf(const IngotBatch& batch, int index, int blocks) {
    int warp = groupOf() * kGroupWarps, first = warp / Rows::kPartHeads, last = (warp + kGroupWarps - 1) / Rows::kPartHeads;
    if (first < blocks) return Rows::reachOf(batch, index + first, (last < blocks ? last + 1 : blocks) - first);
    int behind = Rows::reachOf(batch, index, blocks).last + 1;
    return {behind, behind - 1, nullptr};
  }
  // The calling warp's rows of the tile of query blocks from `index` on; returns how many it has. Nothing of them is kept in registers meanwhile.
  INGOT_INLINE int attend(const IngotBatch& batch, int index, int tile, void* const* operands, Slot& slot, Storage& storage) {
    int blocks = Rows::blocksFrom(batch, index);
    if (batch.blocks[index].num_tokens <= 1) return blocks;
    Reach reach = Rows::reachOf(batch, index, blocks), own = ownOf(batch, index, blocks);
    int start = reach.first / kSpanTokens * kSpanTokens;
    Work work = Rows::workOf(batch, index, blocks, tile);
    ask(work, operands, storage);
    for (; start + kSpanTokens <= own.first && start <= reach.last; start += kSpanTokens) pass(slot, storage);
    if (start <= own.last) {
      foldSpans(work, start, own.last, slot, storage);
      start = (own.last / kSpanTokens + 1) * kSpanTokens;
    }
    blocks = Rows::blocksFrom(batch, index);
    for (int last = Rows::reachOf(batch, index, blocks).last; start <= last; start += kSpanTokens) pass(slot, storage);
    if (work.sight.last >= 0) Rows::finish(Rows::workOf(batch, index, blocks, tile), operands[3], storage.rows);
    return blocks;
  }

  // Those that see most come first. Blocks that do not go together have their turn one after the other: visit(i) says how many it took from i on.
  template <class Visit>
  INGOT_INLINE void forEach(const IngotBatch& batch, int index, const Visit& visit) {
    int i = (groups(batch) - 1 - index / kTiles) * Rows::kBlocks;
#pragma unroll 1
    do i += visit(i);
    while (i % Rows::kBlocks != 0 && i < batch.num_blocks);
  }
  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    int tile = index % kTiles;
    if (threadIdx.x == 0)
      for (int i = 0; i < kSlots; ++i) {
        initBarrier(storage.full, i, kBringers);
        initBarrier(storage.empty, i, kWarps);
        if (i < kGroups) initBarrier(storage.asked, i, kGroupWarps);
      }
    showBarriers();
    __syncthreads();
    awaitLaunches();
    Slot slot;
    if (warpOf(threadIdx.x) >= kWarps) {
      fewerRegisters<Registers::kCopier>();
      bool values = warpOf(threadIdx.x) >= kWarps + kBringers;
      if (values) slot.next();
      forEach(batch, index, [&](int i) {
        int blocks = Rows::blocksFrom(batch, i);
        if (batch.blocks[i].num_tokens <= 1) return blocks;
        Reach reach = Rows::reachOf(batch, i, blocks);
        if (values) bring<true>(reach, Rows::kvHeadOf(tile), operands, slot, storage);
        else bring<false>(reach, Rows::kvHeadOf(tile), operands, slot, storage);
        return blocks;
      });
    } else {
      moreRegisters<Registers::kOther>();
      forEach(batch, index, [&](int i) { return attend(batch, i, tile, operands, slot, storage); });
    }
  }
};

}  // namespace prompt
