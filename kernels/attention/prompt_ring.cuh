// Keys and values of a prompt's attention (prompt.cuh) in shared memory: slots of a ring, which warps fill that do nothing else. They take the page's
// fragments into registers and lay them out as products of a warpgroup read them.
#pragma once

#include "kernels/attention/rows.cuh"
#include "kernels/attention/tensor.cuh"
#include "kernels/prim/warpgroup.cuh"

namespace prompt {

using namespace attention;

// For so many warps that read, and which fill some places behind the ring themselves. Of each kind as many bring as a span has pages.
template <class C, int Readers, int Queries>
struct Ring {
  static constexpr int kHeadDim = C::kHeadDim, kSteps = kHeadDim / 16, kProducers = kSpanPages;
  typedef typename TensorCore<C>::Type Type;

  // A slot has the keys of a span, and the next one its values: lines of 64 columns of a token, or of all tokens of a column, in panels of as many
  // lines as there are tokens. A warpgroup's queries lie as keys do.
  static constexpr int kSlots = kCudaPromptSlots, kPanelChunks = kSpanTokens * 8, kSlotChunks = kHeadDim / 64 * kPanelChunks;
  static_assert(kSlots % 2 == 0 && kSlotChunks * 16 % 1024 == 0, "lines of products begin at multiples of 1024 bytes, as Shared does");
  struct Slot : PipelineState<kSlots> {
    INGOT_MEMBER Slot following() const {
      Slot slot = *this;
      slot.next();
      return slot;
    }
    INGOT_MEMBER void nextSpan() {
      this->next();
      this->next();
    }
  };
  struct Shared {
    SharedArray<Words, (kSlots + Queries) * kSlotChunks> words;
    SharedBarriers<kSlots> full, empty;
  };

  INGOT_INLINE int queriesAt(int i) { return (kSlots + i) * kSlotChunks; }
  // By one thread.
  INGOT_INLINE void init(Shared& ring) {
    for (int i = 0; i < kSlots; ++i) {
      initBarrier(ring.full, i, kProducers);
      initBarrier(ring.empty, i, Readers);
    }
  }

  // Of a page that is nobody's the nearest one.
  INGOT_INLINE long long headAt(const KvRange& kv, int page, int kvHead) {
    int first = kv.first / kPageTokens, last = kv.last / kPageTokens;
    return headOffset(C::kCache, kv.pages[page < first ? first : page > last ? last : page], C::kLayers, kvHead, C::kKvHeads, kHeadDim);
  }
  // The lane's words of a page's keys or values.
  INGOT_INLINE const Words* wordsAt(void* const* operands, int which, long long head) {
    return (const Words*)((const Type*)operands[which] + head) + threadIdx.x % kWarp;
  }
  // Where the lane stores eight halves of a page's first 16 columns, and of further ones. A page's tokens are lines of keys, and columns of values.
  template <bool Values>
  INGOT_INLINE int sharedOffset(int page) {
    int lane = threadIdx.x % kWarp, row = lane % 8, line = (Values ? 0 : page * 16) + lane / 16 * 8 + row,
        chunk = (Values ? page * 2 : 0) + lane / 8 % 2;
    return line * 8 + (chunk ^ row);
  }
  template <bool Values>
  INGOT_INLINE int sharedOffset(int offset, int step) {
    return Values ? offset + step * 128 : (offset ^ step % 4 * 2) + step / 4 * kPanelChunks;
  }
  // Nobody wrote the values of tokens behind the last one, or those of a page that is nobody's: they may be no numbers, and become zeros.
  INGOT_INLINE void clear(Words (&words)[kSteps], int start, const KvRange& kv) {
    if (start + kPageTokens - 1 <= kv.last && start >= kv.first / kPageTokens * kPageTokens) return;
    unsigned masks[2];
    for (int half = 0; half < 2; ++half) {
      int token = start + half * 8 + threadIdx.x % 4 * 2;
      bool isThere = start + kPageTokens > kv.first;
      masks[half] = (isThere && token <= kv.last ? 0xffffu : 0u) | (isThere && token < kv.last ? 0xffff0000u : 0u);
    }
#pragma unroll
    for (int i = 0; i < kSteps * 4; ++i) words[i / 4].at[i % 4] &= masks[i % 2];
  }
  // Keys, or values, of the warp's page of every span, of which the next one is on its way while one is laid out.
  template <bool Values>
  INGOT_INLINE void produce(const KvRange& kv, int kvHead, void* const* operands, Slot& slot, Shared& ring) {
    int page = warpOf(threadIdx.x) % kProducers, start = kv.first / kSpanTokens * kSpanTokens, first = sharedOffset<Values>(page);
    auto fetch = [&](int from, Words(&words)[kSteps]) {
      const Words* at = wordsAt(operands, Values ? 2 : 1, headAt(kv, from / kPageTokens + page, kvHead));
#pragma unroll
      for (int step = 0; step < kSteps; ++step) words[step] = load<Words>(at + step * kWarp);
    };
    Words words[kSteps];
    fetch(start, words);
#pragma unroll 1
    for (; start <= kv.last; start += kSpanTokens) {
      if constexpr (Values) clear(words, start + page * kPageTokens, kv);
      awaitBarrier(ring.empty, slot.index, slot.phase ^ 1);
#pragma unroll
      for (int step = 0; step < kSteps; ++step)
        storeMatrices(ring.words, slot.index * kSlotChunks + sharedOffset<Values>(first, step), words[step], ring.full, slot.index);
      fenceProxyAsync();
      __syncwarp();
      if (threadIdx.x % kWarp == 0) arrive<1>(ring.full, slot.index, 0);
      slot.nextSpan();
      fetch(start + kSpanTokens, words);
    }
  }

  // Behind the last product with a slot.
  INGOT_INLINE void release(const Slot& slot, Shared& ring) {
    __syncwarp();
    if (threadIdx.x % kWarp == 0) arrive<1>(ring.empty, slot.index, 0);
  }
  // Past a span of which the warpgroup sees nothing.
  INGOT_INLINE void skip(Slot& slot, Shared& ring) {
    for (int i = 0; i < 2; ++i, slot.next()) {
      awaitBarrier(ring.full, slot.index, slot.phase);
      release(slot, ring);
    }
  }
};

}  // namespace prompt
