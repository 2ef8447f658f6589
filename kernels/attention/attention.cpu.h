// Causal attention over paged keys and values with an online softmax (Milakov & Gimelshein 2018; Dao et al. 2022).
// Tile i is query block i / kKvHeads and KV head i % kKvHeads: the query heads of a group share what they load.
// Every row visits its own pages in ascending order, one page at a time, so its bits do not depend on its block.
// Prelude: kHeads kKvHeads kHeadDim kScale kWindow (0: none) kSoftcap (0: none) kCache. Operands: q, keys, values, y.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/kvcache/element.h"
#include "kernels/prim/math.h"

namespace attention {

typedef CacheElement<kCache> Element;
constexpr int kGroupHeads = kHeads / kKvHeads;
constexpr int kVectors = kHeadDim / kLanes;
constexpr int kRowStride = kHeads * kHeadDim;
constexpr float kMasked = -__builtin_inff();

// The running softmax of one query row: largest score, sum of weights, weighted sum of values.
struct Running {
  F32x16 output[kVectors];
  float largest, total;
};

INGOT_INLINE F32x16 scoresOf(const float* q, const Element::Type* keys) {
  F32x16 parts[4] = {};
  for (int d = 0; d < kHeadDim; d += 4)
    for (int i = 0; i < 4; ++i) parts[i] = fma(splat(q[d + i]), Element::load16(keys + (d + i) * kPageTokens), parts[i]);
  return ((parts[0] + parts[1]) + (parts[2] + parts[3])) * kScale;
}

// Adds the page's tokens [low, high] (indices in the page) to the row.
INGOT_INLINE void addPage(Running& row, F32x16 scores, int low, int high, const Element::Type* values) {
  if constexpr (kSoftcap != 0) scores = softcap(scores, kSoftcap);
  scores = select((kLaneIndex >= low) & (kLaneIndex <= high), scores, splat(kMasked));
  float largest = maxOfLanes(scores);
  if (largest > row.largest) {
    float shrink = exponential(splat(row.largest - largest))[0];
    row.total *= shrink;
    for (int v = 0; v < kVectors; ++v) row.output[v] *= shrink;
    row.largest = largest;
  }
  F32x16 weights = exponential(scores - row.largest);
  row.total += sumOfLanes(weights);
  for (int t = low; t <= high; ++t) {
    F32x16 weight = splat(weights[t]);
    for (int v = 0; v < kVectors; ++v) row.output[v] = fma(weight, Element::load16(values + t * kHeadDim + v * kLanes), row.output[v]);
  }
}

INGOT_INLINE void computeBlock(const IngotBatch* batch, const IngotQueryBlock& block, int kvHead, void* const* operands, Running* rows) {
  const float* q = (const float*)operands[0] + (long long)block.first_token * kRowStride + kvHead * kGroupHeads * kHeadDim;
  float* y = (float*)operands[3] + (long long)block.first_token * kRowStride + kvHead * kGroupHeads * kHeadDim;
  const ingot_i32* pages = batch->page_table + (long long)block.sequence * batch->max_pages;
  int position = batch->positions[block.first_token], lastPosition = position + block.num_tokens - 1;
  int numRows = block.num_tokens * kGroupHeads;
  for (int i = 0; i < numRows; ++i) {
    for (int v = 0; v < kVectors; ++v) rows[i].output[v] = splat(0.0f);
    rows[i].largest = kMasked;
    rows[i].total = 0;
  }
  auto firstSeen = [](int at) { return kWindow && at >= kWindow ? at - kWindow + 1 : 0; };
  for (int page = firstSeen(position) / kPageTokens; page * kPageTokens <= lastPosition; ++page) {
    long long offset = headOffset(pages[page], kvHead, kKvHeads, kHeadDim);
    const Element::Type* keys = (const Element::Type*)operands[1] + offset;
    const Element::Type* values = (const Element::Type*)operands[2] + offset;
    for (int token = 0; token < block.num_tokens; ++token) {
      int high = position + token - page * kPageTokens, low = firstSeen(position + token) - page * kPageTokens;
      if (high < 0 || low >= kPageTokens) continue;
      high = high < kPageTokens ? high : kPageTokens - 1;
      low = low > 0 ? low : 0;
      for (int h = 0; h < kGroupHeads; ++h)
        addPage(rows[token * kGroupHeads + h], scoresOf(q + (long long)token * kRowStride + h * kHeadDim, keys), low, high, values);
    }
  }
  for (int token = 0; token < block.num_tokens; ++token)
    for (int h = 0; h < kGroupHeads; ++h) {
      const Running& row = rows[token * kGroupHeads + h];
      for (int v = 0; v < kVectors; ++v) store(y + (long long)token * kRowStride + h * kHeadDim + v * kLanes, row.output[v] * (1.0f / row.total));
    }
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last, void* scratch) {
  for (long long tile = first; tile < last; ++tile)
    computeBlock(args->batch, args->batch->blocks[tile / kKvHeads], (int)(tile % kKvHeads), args->operands, (Running*)scratch);
}

}  // namespace attention
