// The shared-memory ring of prompt.cuh, filled by producer warps: they load the fragments of KV pages into registers and store them in the
// 128-byte swizzled layout that wgmma reads.
#pragma once

#include "kernels/attention/rows.cuh"
#include "kernels/attention/tensor.cuh"
#include "kernels/prim/warpgroup.cuh"

namespace prompt {

using namespace attention;

// Consumers: `Readers` warps, whose `Queries` query tiles are stored after the ring. Producers: kProducers warps for keys, and as many for values;
// a warp for each page of a span.
template <class C, int Readers, int Queries>
struct Ring {
  static constexpr int kHeadDim = C::kHeadDim, kSteps = kHeadDim / 16, kProducers = kSpanPages;
  typedef typename TensorCore<C>::Type Type;

  // Stages alternate between the keys and the values of a span. A line is 64 columns of one token (keys), or all 64 tokens of one column (values);
  // lines are grouped into panels of 64. Queries have the layout of keys.
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
  // Called by one thread.
  INGOT_INLINE void init(Shared& ring) {
    for (int i = 0; i < kSlots; ++i) {
      initBarrier(ring.full, i, kProducers);
      initBarrier(ring.empty, i, Readers);
    }
  }

  // Offset of a page's head in the cache. A page outside the range is replaced by the nearest one inside.
  INGOT_INLINE long long headAt(const KvRange& kv, int page, int kvHead) {
    int first = kv.first / kPageTokens, last = kv.last / kPageTokens;
    return headOffset(C::kCache, kv.pages[page < first ? first : page > last ? last : page], C::kLayers, kvHead, C::kKvHeads, kHeadDim);
  }
  // The lane's first 16 bytes of a page's keys or values.
  INGOT_INLINE const Words* wordsAt(void* const* operands, int which, long long head) {
    return (const Words*)((const Type*)operands[which] + head) + threadIdx.x % kWarp;
  }
  // Chunk of 16 bytes at which the lane stores its row of stmatrix: for the first 16 columns of a page, then for step `step`. A page's tokens are
  // lines of the keys, and columns of the values.
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
  // Zeroes the values of tokens outside the range. They may be uninitialised, and NaN times a weight of zero is NaN.
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
  // Producer loop over the spans, for this warp's page of each. The loads of the next span are in flight while one is stored.
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

  // Releases a stage after the last product that reads it.
  INGOT_INLINE void release(const Slot& slot, Shared& ring) {
    __syncwarp();
    if (threadIdx.x % kWarp == 0) arrive<1>(ring.empty, slot.index, 0);
  }
  // Skips a span of which the warpgroup sees nothing: waits for both stages and releases them.
  INGOT_INLINE void skip(Slot& slot, Shared& ring) {
    for (int i = 0; i < 2; ++i, slot.next()) {
      awaitBarrier(ring.full, slot.index, slot.phase);
      release(slot, ring);
    }
  }
};

}  // namespace prompt
