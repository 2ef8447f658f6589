// Causal attention over paged keys and values with an online softmax (Milakov & Gimelshein 2018; Dao et al. 2022).
// Tile i is query block i / kKvHeads and KV head i % kKvHeads; a warp takes a row, one token's query head. Every row visits
// its own pages in ascending order, one page at a time, so its bits do not depend on its block.
// Constants and operands as in attention.cpu.h.
#pragma once

#include "kernels/kvcache/element.cuh"
#include "kernels/prim/math.cuh"

namespace attention {

template <class C>
struct Tile {
  static constexpr int kThreads = 128, kWarps = kThreads / kWarp;
  static constexpr int kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kGroupHeads = C::kHeads / C::kKvHeads;
  static constexpr int kRowStride = C::kHeads * kHeadDim, kEach = (kHeadDim + kWarp - 1) / kWarp;
  typedef CacheElement<C::kCache> Element;
  typedef typename Element::Type Type;
  struct Storage {};

  // The running softmax of one row. Lane l has columns l, l + 32 ...; `total` is of the tokens in its own place of a page.
  struct Running {
    float output[kEach], largest, total;
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_blocks * kKvHeads; }
  INGOT_INLINE int firstSeen(int at) { return C::kWindow && at >= C::kWindow ? at - (int)C::kWindow + 1 : 0; }

  // The score of token lane % 16: half of the lanes take even columns, half odd ones.
  INGOT_INLINE float scoreOf(const float* q, const Type* keys, int lane) {
    float sum = 0;
    for (int d = lane / kPageTokens; d < kHeadDim; d += 2) sum = fma(q[d], Element::widen(keys[d * kPageTokens + lane % kPageTokens]), sum);
    return (sum + __shfl_xor_sync(kFullWarp, sum, kPageTokens)) * C::kScale;
  }

  // Adds the page's tokens [low, high] (indices in the page) to the row.
  INGOT_INLINE void addPage(Running& row, float score, int low, int high, const Type* values, int lane) {
    if constexpr (C::kSoftcap != 0) score = softcap(score, C::kSoftcap);
    int token = lane % kPageTokens;
    if (token < low || token > high) score = -infinity();
    float largest = warpMaximum<kPageTokens>(score);
    if (largest > row.largest) {
      float shrink = exponential(row.largest - largest);
      row.total *= shrink;
      for (int i = 0; i < kEach; ++i) row.output[i] *= shrink;
      row.largest = largest;
    }
    float weight = exponential(score - row.largest);
    row.total += weight;
    for (int t = low; t <= high; ++t) {
      float one = __shfl_sync(kFullWarp, weight, t);
      for (int i = 0; i < kEach; ++i)
        if (int d = lane + i * kWarp; d < kHeadDim) row.output[i] = fma(one, Element::widen(values[t * kHeadDim + d]), row.output[i]);
    }
  }

  INGOT_INLINE void computeRow(const float* q, const ingot_i32* pages, int position, int kvHead, void* const* operands, float* y) {
    int lane = threadIdx.x % kWarp;
    Running row{{}, -infinity(), 0};
    int first = firstSeen(position);
    for (int page = first / kPageTokens; page * kPageTokens <= position; ++page) {
      long long offset = headOffset(pages[page], kvHead, kKvHeads, kHeadDim);
      int low = first - page * kPageTokens, high = position - page * kPageTokens;
      float score = scoreOf(q, (const Type*)operands[1] + offset, lane);
      addPage(row, score, low > 0 ? low : 0, high < kPageTokens ? high : kPageTokens - 1, (const Type*)operands[2] + offset, lane);
    }
    float factor = 1.0f / warpSum<kPageTokens>(row.total);
    for (int i = 0; i < kEach; ++i)
      if (int d = lane + i * kWarp; d < kHeadDim) y[d] = row.output[i] * factor;
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int tile, Storage&) {
    const IngotQueryBlock block = batch.blocks[tile / kKvHeads];
    int kvHead = tile % kKvHeads, rows = block.num_tokens * kGroupHeads;
    const ingot_i32* pages = batch.page_table + (long long)block.sequence * batch.max_pages;
    for (int row = threadIdx.x / kWarp; row < rows; row += kWarps) {
      long long token = block.first_token + row / kGroupHeads;
      long long at = token * kRowStride + (kvHead * kGroupHeads + row % kGroupHeads) * kHeadDim;
      computeRow((const float*)operands[0] + at, pages, batch.positions[token], kvHead, operands, (float*)operands[3] + at);
    }
  }
};

}  // namespace attention
