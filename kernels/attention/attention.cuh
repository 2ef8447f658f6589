// Causal attention over paged keys and values with an online softmax (Milakov & Gimelshein 2018; Dao et al. 2022), split over the
// warps of a block (Dao et al. 2023, flash decoding). Tile i is query block i / kKvHeads and KV head i % kKvHeads. Tokens follow
// each other; for each, warp w takes the pages w, w + kWarps, ... of its sequence for all query heads that share them, and the
// warps' results are merged in order. So a row's bits depend on its own sequence alone.
// Constants and operands as in attention.cpu.h.
#pragma once

#include "kernels/attention/attention.spec.h"
#include "kernels/kvcache/element.cuh"
#include "kernels/prim/quantize.cuh"

namespace attention {

template <class C>
struct Tile {
  static constexpr int kThreads = kCudaAttentionThreads, kWarps = kThreads / kWarp;
  static constexpr int kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kGroupHeads = C::kHeads / C::kKvHeads;
  static constexpr int kRowStride = C::kHeads * kHeadDim, kEach = (kHeadDim + kWarp - 1) / kWarp;
  // Query heads at once: as many as share the keys, as registers and the 48 KB that every block may have allow.
  static constexpr int kMost = 40960 / 4 / kWarps / (kHeadDim + 2), kFit = kMost < 8 ? kMost : 8, kHeads = kGroupHeads < kFit ? kGroupHeads : kFit;
  typedef CacheElement<C::kCache> Element;
  typedef typename Element::Type Type;
  // Of every warp and head: the weighted sum of values, the largest score, the total of weights.
  struct Storage {
    SharedArray<float, kWarps * kHeads * kHeadDim> outputs;
    SharedArray<float, kWarps * kHeads> largest, totals;
  };

  // The running softmax of one row. Lane l has columns l, l + 32 ...; `total` is of the tokens in its own place of a page.
  struct Running {
    float output[kEach], largest, total;
  };

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_blocks * kKvHeads; }
  INGOT_INLINE int firstSeen(int at) { return C::kWindow && at >= C::kWindow ? at - (int)C::kWindow + 1 : 0; }

  // Scores of token lane % 16 for every head: half of the lanes take even columns, half odd ones.
  INGOT_INLINE void scoresOf(const float* q, const Type* keys, int lane, float (&scores)[kHeads]) {
#pragma unroll
    for (int h = 0; h < kHeads; ++h) scores[h] = 0;
    for (int d = lane / kPageTokens; d < kHeadDim; d += 2) {
      float key = Element::widen(keys[d * kPageTokens + lane % kPageTokens]);
#pragma unroll
      for (int h = 0; h < kHeads; ++h) scores[h] = fma(q[h * kHeadDim + d], key, scores[h]);
    }
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      scores[h] = (scores[h] + __shfl_xor_sync(kFullWarp, scores[h], kPageTokens)) * C::kScale;
      if constexpr (C::kSoftcap != 0) scores[h] = softcap(scores[h], C::kSoftcap);
    }
  }

  // The weight of the lane's token; the row is brought to the new largest score.
  INGOT_INLINE float weightOf(Running& row, float score) {
    float largest = warpMaximum<kPageTokens>(score);
    if (largest > row.largest) {
      float shrink = exponential(row.largest - largest);
      row.total *= shrink;
#pragma unroll
      for (int i = 0; i < kEach; ++i) row.output[i] *= shrink;
      row.largest = largest;
    }
    float weight = exponential(score - row.largest);
    row.total += weight;
    return weight;
  }

  // Adds the page's tokens [low, high] (indices in the page) to the rows.
  INGOT_INLINE void addPage(Running (&rows)[kHeads], float (&scores)[kHeads], int low, int high, const Type* values, int lane) {
    int token = lane % kPageTokens;
    float weights[kHeads];
#pragma unroll
    for (int h = 0; h < kHeads; ++h) weights[h] = weightOf(rows[h], token < low || token > high ? -infinity() : scores[h]);
    for (int t = low; t <= high; ++t) {
      float value[kEach];
#pragma unroll
      for (int i = 0; i < kEach; ++i) value[i] = lane + i * kWarp < kHeadDim ? Element::widen(values[t * kHeadDim + lane + i * kWarp]) : 0.0f;
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        float weight = __shfl_sync(kFullWarp, weights[h], t);
#pragma unroll
        for (int i = 0; i < kEach; ++i) rows[h].output[i] = fma(weight, value[i], rows[h].output[i]);
      }
    }
  }

  // The warp's pages of one token, for kHeads query heads from `q` on.
  INGOT_INLINE void visitPages(Running (&rows)[kHeads], const float* q, const ingot_i32* pages, int position, int kvHead, void* const* operands) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, first = firstSeen(position), page = first / kPageTokens;
    page += (warp - page % kWarps + kWarps) % kWarps;
    for (; page * kPageTokens <= position; page += kWarps) {
      long long offset = headOffset(pages[page], C::kLayers, kvHead, kKvHeads, kHeadDim);
      int low = first - page * kPageTokens, high = position - page * kPageTokens;
      float scores[kHeads];
      scoresOf(q, (const Type*)operands[1] + offset, lane, scores);
      addPage(rows, scores, low > 0 ? low : 0, high < kPageTokens ? high : kPageTokens - 1, (const Type*)operands[2] + offset, lane);
    }
  }

  INGOT_INLINE void keep(const Running (&rows)[kHeads], Storage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      float total = warpSum<kPageTokens>(rows[h].total);
      int at = warp * kHeads + h;
      if (lane == 0) {
        storage.largest[at] = rows[h].largest;
        storage.totals[at] = total;
      }
#pragma unroll
      for (int i = 0; i < kEach; ++i)
        if (int d = lane + i * kWarp; d < kHeadDim) storage.outputs[at * kHeadDim + d] = rows[h].output[i];
    }
  }

  // The warps' outputs, each brought to the largest score of all, added in order: rows of y, or the first warp's outputs.
  INGOT_INLINE void merge(Storage& storage, float* y) {
    for (int i = threadIdx.x; i < kHeads * kHeadDim; i += kThreads) {
      int h = i / kHeadDim;
      float largest = -infinity(), total = 0, output = 0;
      for (int warp = 0; warp < kWarps; ++warp) {
        float one = storage.largest[warp * kHeads + h];
        largest = one > largest ? one : largest;
      }
      for (int warp = 0; warp < kWarps; ++warp) {
        int at = warp * kHeads + h;
        float factor = exponential(storage.largest[at] - largest);
        total = fma(factor, storage.totals[at], total);
        output = fma(factor, storage.outputs[at * kHeadDim + i % kHeadDim], output);
      }
      if constexpr (C::kResultGroup == 0) y[i] = output / total;
      else storage.outputs[i] = output / total;  // read by this thread alone
    }
  }

  // The merged outputs become groups of a quantised row, a warp each; `column` is that of the first one.
  INGOT_INLINE void quantize(Storage& storage, char* row, int column) {
    constexpr int kGroup = C::kResultGroup ? C::kResultGroup : kHeadDim;
    for (int g = threadIdx.x / kWarp; g < kHeads * kHeadDim / kGroup; g += kWarps)
      quantizeGroup<kGroup, kRowStride>([&](int i) -> float { return storage.outputs[g * kGroup + i]; }, row, column / kGroup + g);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int tile, Storage& storage) {
    const IngotQueryBlock block = batch.blocks[tile / kKvHeads];
    int kvHead = tile % kKvHeads;
    const ingot_i32* pages = batch.page_table + (long long)block.sequence * batch.max_pages;
    for (int token = block.first_token; token < block.first_token + block.num_tokens; ++token)
      for (int h = 0; h < kGroupHeads; h += kHeads) {
        // Heads behind the group's last would be of the next group: the last ones are taken again instead.
        int from = h + kHeads <= kGroupHeads ? h : kGroupHeads - kHeads;
        int column = (kvHead * kGroupHeads + from) * kHeadDim;
        long long at = (long long)token * kRowStride + column;
        Running rows[kHeads];
#pragma unroll
        for (int i = 0; i < kHeads; ++i) rows[i] = Running{{}, -infinity(), 0};
        visitPages(rows, (const float*)operands[0] + at, pages, batch.positions[token], kvHead, operands);
        keep(rows, storage);
        __syncthreads();
        merge(storage, (float*)operands[3] + at);
        __syncthreads();
        if constexpr (C::kResultGroup != 0) {
          quantize(storage, (char*)operands[3] + token * quantizedRowBytes(kRowStride, C::kResultGroup), column);
          __syncthreads();
        }
      }
  }
};

}  // namespace attention
