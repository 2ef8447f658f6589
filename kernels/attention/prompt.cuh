// attention of prompts on the tensor cores of sm_90a, in a step beside that of attention.cuh, which leaves them to it where a batch has many tokens.
// Two warpgroups have the rows of eight warps as whole.cuh has those of four, and go through the same spans. Four warps bring keys and values: they
// take the page's fragments into registers and lay them out in shared memory as products of a warpgroup read them. Products, the softmax and the
// folds come in the order of whole.cuh, so a row's bits are the same in both. Operands and constants as in attention.cuh, of caches of 16 bits.
#pragma once

#include "kernels/attention/rows.cuh"
#include "kernels/attention/tensor.cuh"
#include "kernels/prim/warpgroup.cuh"

namespace prompt {

using namespace attention;

template <class C>
struct Tile {
  static_assert(hasCudaPrompt(elementBytes(C::kCache) == 2, C::kHeadDim));
  static constexpr int kThreads = kCudaPromptThreads, kDynamicBytes = cudaPromptBytes(C::kHeadDim), kMinBlocks = 1;
  static constexpr bool kAwaits = true;
  static constexpr int kHeadDim = C::kHeadDim, kSteps = kHeadDim / 16, kWarps = kCudaPromptWarps, kGroupWarps = 4;
  static constexpr int kBringers = kThreads / kWarp - kWarps;
  static_assert(kBringers == kSpanPages, "a warp brings a page of every span");
  typedef attention::Rows<C, kWarps> Rows;
  typedef typename Rows::Work Work;
  typedef typename Rows::Sums Sums;
  typedef TensorCore<C, kSteps> Core;
  typedef typename Core::Type Type;
  typedef typename Core::Weights Weights;
  static_assert(Rows::kColumns == kHeadDim);
  static constexpr int kTiles = Rows::kKvHeads * Rows::kParts;

  // A slot has the keys of a span, and the next one its values: lines of 64 columns of a token, or of all tokens of a column, in panels of as many
  // lines as there are tokens.
  static constexpr int kSlots = kCudaPromptSlots, kPanelChunks = kSpanTokens * 8, kSlotChunks = kHeadDim / 64 * kPanelChunks;
  typedef RingSlot<kSlots> Slot;
  typedef SharedRegisters<kThreads, kMinBlocks, 56, 224> Registers;
  struct Storage {
    SharedArray<Words, kSlots * kSlotChunks> slots;
    typename Rows::Shared rows;
    typename Core::Rest rest;
    SharedBarriers<kSlots> full, empty;
  };

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
  // Stores a page's part of a slot; what comes next is on its way to the same registers.
  template <bool Values>
  INGOT_INLINE void store(Words (&words)[kSteps], int place, const Words* next, Slot& slot, Storage& storage) {
    awaitBarrier(storage.empty, slot.at, slot.round ^ 1);
#pragma unroll
    for (int step = 0; step < kSteps; ++step)
      storeMatrices(storage.slots, placeOf<Values>(slot.at * kSlotChunks + place, step), words[step], storage.full, slot.at);
    showStores();
    __syncwarp();
    if (threadIdx.x % kWarp == 0) arrive<1>(storage.full, slot.at, 0);
    slot.next();
#pragma unroll
    for (int step = 0; step < kSteps; ++step) words[step] = load<Words>(next + step * kWarp);
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
  INGOT_INLINE void bring(const Reach& reach, int kvHead, void* const* operands, Slot& slot, Storage& storage) {
    int page = warpOf(threadIdx.x) - kWarps, start = reach.first / kSpanTokens * kSpanTokens;
    long long head = headAt(reach, start / kPageTokens + page, kvHead);
    int keyPlace = placeOf<false>(page), valuePlace = placeOf<true>(page);
    Words words[kSteps];
#pragma unroll
    for (int step = 0; step < kSteps; ++step) words[step] = load<Words>(wordsAt(operands, 1, head) + step * kWarp);
#pragma unroll 1
    for (; start <= reach.last; start += kSpanTokens) {
      long long next = headAt(reach, (start + kSpanTokens) / kPageTokens + page, kvHead);
      store<false>(words, keyPlace, wordsAt(operands, 2, head), slot, storage);
      clear(words, start + page * kPageTokens, reach);
      store<true>(words, valuePlace, wordsAt(operands, 1, next), slot, storage);
      head = next;
    }
  }

  template <bool Keeps, int Lines>
  INGOT_INLINE void multiply(float (&d)[Lines / 2], const unsigned (&a)[4], Storage& storage, int first, int unit) {
    if constexpr (C::kCache == CacheType::bf16) multiplyWideBfloats<Keeps, Lines>(d, a, storage.slots, first, unit);
    else multiplyWideHalves<Keeps, Lines>(d, a, storage.slots, first, unit);
  }
  INGOT_INLINE void leave(Slot& slot, Storage& storage) {
    __syncwarp();
    if (threadIdx.x % kWarp == 0) arrive<1>(storage.empty, slot.at, 0);
    slot.next();
  }
  // Where the warpgroup sees nothing.
  INGOT_INLINE void pass(Slot& slot, Storage& storage) {
    awaitBarrier(storage.full, slot.at, slot.round);
    leave(slot, storage);
  }

  INGOT_INLINE void score(const Core& core, float (&scores)[kSpanTokens / 2], Slot& slot, Storage& storage) {
    awaitBarrier(storage.full, slot.at, slot.round);
    int first = slot.at * kSlotChunks;
    beginProducts();
    multiply<false, kSpanTokens>(scores, core.query[0], storage, first, 0);
#pragma unroll
    for (int k = 1; k < kSteps; ++k) multiply<true, kSpanTokens>(scores, core.query[k], storage, first + k / 4 * kPanelChunks, k % 4);
    closeProducts();
    waitForProducts<0>(scores);
    leave(slot, storage);
  }
  INGOT_INLINE void addValues(const Weights (&weights)[kSpanPages], float (&output)[kHeadDim / 2], Slot& slot, Storage& storage) {
    awaitBarrier(storage.full, slot.at, slot.round);
    int first = slot.at * kSlotChunks;
    beginProducts();
    multiply<false, kHeadDim>(output, weights[0].at, storage, first, 0);
#pragma unroll
    for (int p = 1; p < kSpanPages; ++p) multiply<true, kHeadDim>(output, weights[p].at, storage, first, p);
    closeProducts();
    waitForProducts<0>(output);
    leave(slot, storage);
  }
  // Folds in the span that begins with token `start`, if the warp sees any of it; another one of the warpgroup does.
  INGOT_INLINE void add(const Core& core, bool sees, int start, const Work& work, Slot& slot, Storage& storage, Sums& sums) {
    float scores[kSpanTokens / 2], output[kHeadDim / 2];
    score(core, scores, slot, storage);
    Factors factors[2];
    Weights weights[kSpanPages] = {};
    if (sees) {
      PageScores(&pages)[kSpanPages] = (PageScores(&)[kSpanPages])scores;
      Span<C>::template soften<Type>(pages, start, work.sight, nullptr, 0, nullptr, sums, factors);
#pragma unroll
      for (int p = 0; p < kSpanPages; ++p) weights[p] = Core::weightsOf(pages[p]);
    }
    addValues(weights, output, slot, storage);
    if (!sees) return;
#pragma unroll
    for (int i = 0; i < kHeadDim / 2; ++i) {
      float& sum = sums.output[i / 4][i % 4];
      sum = fold(sum, output[i], factors[i % 4 / 2]);
    }
  }

  // The calling warp's rows of a tile of so many query blocks.
  INGOT_INLINE void attend(const IngotBatch& batch, int index, int blocks, int tile, void* const* operands, Slot& slot, Storage& storage) {
    Work work = Rows::workOf(batch, index, blocks, tile);
    Reach reach = Rows::reachOf(batch, index, blocks), own = reach;
    int warp = warpOf(threadIdx.x) / kGroupWarps * kGroupWarps, first = warp / Rows::kPartHeads, last = (warp + kGroupWarps - 1) / Rows::kPartHeads;
    if (first < blocks) own = Rows::reachOf(batch, index + first, (last < blocks ? last + 1 : blocks) - first);
    else own.last = -1;
    Core core;
    core.load((const float*)operands[0] + (long long)work.row * kHeadDim, C::kHeads * kHeadDim, work.tokens(), storage.rest);
    for (int split = reach.first / INGOT_SPLIT_TOKENS; split <= reach.last / INGOT_SPLIT_TOKENS; ++split) {
      Sums sums;
      sums.clear();
#pragma unroll 1
      for (int start = split * INGOT_SPLIT_TOKENS; start < (split + 1) * INGOT_SPLIT_TOKENS; start += kSpanTokens) {
        if (!reach.has(start)) continue;
        if (own.has(start)) {
          add(core, work.sees(start), start, work, slot, storage, sums);
        } else {
          pass(slot, storage);
          pass(slot, storage);
        }
      }
      Rows::foldSplit(sums, split, work.sight, storage.rows);
    }
    if (work.sight.last >= 0) Rows::finish(work, operands[3], storage.rows);
  }

  // Those that see most come first. Blocks that do not go together have their turn one after the other.
  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    int tile = index % kTiles, first = (groups(batch) - 1 - index / kTiles) * Rows::kBlocks, blocks;
    int end = first + Rows::kBlocks < batch.num_blocks ? first + Rows::kBlocks : batch.num_blocks;
    if (threadIdx.x == 0)
      for (int i = 0; i < kSlots; ++i) {
        initBarrier(storage.full, i, kBringers);
        initBarrier(storage.empty, i, kWarps);
      }
    showBarriers();
    __syncthreads();
    awaitLaunches();
    Slot slot;
    if (warpOf(threadIdx.x) >= kWarps) {
      fewerRegisters<Registers::kCopier>();
#pragma unroll 1
      for (int i = first; i < end; i += blocks) {
        blocks = Rows::blocksFrom(batch, i);
        if (batch.blocks[i].num_tokens > 1) bring(Rows::reachOf(batch, i, blocks), Rows::kvHeadOf(tile), operands, slot, storage);
      }
    } else {
      moreRegisters<Registers::kOther>();
#pragma unroll 1
      for (int i = first; i < end; i += blocks) {
        blocks = Rows::blocksFrom(batch, i);
        if (batch.blocks[i].num_tokens > 1) attend(batch, i, blocks, tile, operands, slot, storage);
      }
    }
  }
};

}  // namespace prompt
