// Flash-decoding: one split of a query block of one token, for the query heads that share a KV head. A warp takes a span.
#pragma once

#include "kernels/attention/result.cuh"
#include "kernels/attention/scalar.cuh"
#include "kernels/attention/tensor.cuh"
#include "kernels/attention/token.cuh"

namespace attention {

template <class C, bool Tensor>
struct TokenCoreOf {
  typedef TokenScalarCore<C> Type;
};
template <class C>
struct TokenCoreOf<C, true> {
  typedef TokenTensorCore<C> Type;
};

// The token, its query heads [head, head + heads), their KV head, and the splits [first, last] that the token sees.
struct SplitWork {
  int token, head, heads, kvHead, first, last;
};

// Queries as rope_append stored them: operand 0.
template <class C>
struct InputQueries {
  void* const* operands;
  INGOT_MEMBER const float* operator()(const SplitWork& work, bool) const {
    awaitLaunches();
    return (const float*)operands[0] + ((long long)work.token * C::kHeads + work.head) * C::kHeadDim;
  }
};

template <class C>
struct SplitTile {
  static constexpr int kThreads = kCudaAttentionThreads, kWarps = kThreads / kWarp;
  static constexpr int kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kGroupHeads = C::kHeads / kKvHeads;
  static constexpr int kHeadTiles = attentionHeadTiles(kGroupHeads), kTiles = attentionTiles(C::kHeads, kKvHeads);
  static constexpr int kPartial = partialFloats(kGroupHeads, kHeadDim), kFours = kHeadDim / 4;
  static constexpr int kStride = kHeadDim + 4;  // between heads in shared memory; the padding avoids bank conflicts between neighbouring lanes
  // A launch with at most this many tiles leaves most of a GPU idle; there, prefetching keys and values before the queries have been computed
  // pays.
  static constexpr int kFewTiles = 256;
  static_assert(kWarps * kSpanTokens == INGOT_SPLIT_TOKENS, "a split has a span for every warp");
  typedef typename TokenCoreOf<C, PageLayout<C::kCache, kHeadDim>::kFragments>::Type Core;
  // All heads of every warp.
  struct Storage {
    SharedArray<float, kWarps * kTokenHeads * kStride> outputs;
    SharedArray<float, kWarps * kTokenHeads> largest, totals;
    SharedArray<int, 1> isLast;
  };
  typedef SplitWork Work;

  // queriesOf(work, ...) calls awaitLaunches() and returns the queries of the work; all threads call it.
  template <class QueriesOf>
  INGOT_INLINE void run(const IngotBatch& batch, const IngotSplit& split, int tile, void* const* operands, Storage& storage,
                        const QueriesOf& queriesOf) {
    const IngotQueryBlock block = batch.blocks[split.block];
    int position = batch.positions[block.first_token], seen = Span<C>::firstSeen(position), firstHead = tile % kHeadTiles * kTokenHeads;
    Work work{block.first_token,
              tile / kHeadTiles * kGroupHeads + firstHead,
              kGroupHeads - firstHead < kTokenHeads ? kGroupHeads - firstHead : kTokenHeads,
              tile / kHeadTiles,
              seen / INGOT_SPLIT_TOKENS,
              position / INGOT_SPLIT_TOKENS};
    if (tile >= kKvHeads * kHeadTiles || split.index < work.first) return awaitLaunches();
    float* partials = (float*)operands[4] + ((long long)split.partial * kKvHeads * kHeadTiles + tile) * kPartial;
    int start = split.index * INGOT_SPLIT_TOKENS + threadIdx.x / kWarp * kSpanTokens;
    TokenSums<C> sums{};
    sums.largest[0] = sums.largest[1] = -infinity();
    bool isSeen = start <= position && start + kSpanTokens > seen;
    TokenSpan<C> span(start, seen, position, batch.page_table + (long long)block.sequence * batch.max_pages, work.head, work.kvHead);
    if (isSeen && batch.num_splits * kTiles <= kFewTiles)
      for (int i = 1; i <= 2; ++i) span.prefetch((const typename Core::Type*)operands[i]);
    const float* queries = queriesOf(work, split.index == work.last);
    if (isSeen) {
      Core core;
      core.load(queries, work.heads);
      span.add(core, operands, sums);
    }
    keep(sums, work.heads, storage);
    syncTile<kThreads>();
    foldSpans(work, partialOf(partials, split.index), operands[3], storage);
    if (work.first < work.last) finish(partials, work, operands[3], storage);
  }

  // Partials of a token are [split][tile][kPartial]. The counter in that of the token's first split counts finished splits of the tile.
  INGOT_INLINE float* partialOf(float* partials, int split) { return partials + (long long)split * kKvHeads * kHeadTiles * kPartial; }

  INGOT_INLINE void keep(const TokenSums<C>& sums, int heads, Storage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      int head = lane % 4 * 2 + c, at = warp * kTokenHeads + head;
      if (head >= heads) continue;
      if (lane < 4) storage.largest[at] = sums.largest[c];
      if (lane < 4) storage.totals[at] = sums.total[c];
#pragma unroll
      for (int i = 0; i < kHeadDim / 8; ++i) storage.outputs[at * kStride + i * 8 + lane / 4] = sums.output[i / 2][i % 2 * 2 + c];
    }
  }

  // Calls visit(head of the work, column) for every four columns of its heads, neighbouring lanes with neighbouring columns. The loop covers whole
  // warps: surplus lanes get a head past the last one.
  template <class Visit>
  INGOT_INLINE void forEachFour(const Work& work, const Visit& visit) {
    for (int first = 0; first < work.heads * kFours; first += kThreads) {
      int i = first + (int)threadIdx.x;
      visit(i / kFours, i % kFours * 4);
    }
  }
  INGOT_INLINE void storeFour(const Work& work, int head, int column, const FourFloats& values, void* y) {
    storeResult<C>(y, work.token, head < work.heads ? (work.head + head) * kHeadDim + column : C::kHeads * kHeadDim, values);
  }

  INGOT_INLINE FourFloats shareOf(FourFloats output, float total) {
    float share = reciprocal(total);
    for (int c = 0; c < 4; ++c) output.at[c] *= share;
    return output;
  }

  // Merges the warps' spans in order, into the result or into the split's partial.
  INGOT_INLINE void foldSpans(const Work& work, float* partial, void* y, Storage& storage) {
    forEachFour(work, [&](int head, int column) {
      float largest = -infinity(), total = 0;
      FourFloats output{};
      for (int warp = 0; warp < kWarps && head < work.heads; ++warp) {
        int at = warp * kTokenHeads + head;
        Rescale f = rescaleOf(largest, storage.largest[at]);
        largest = f.largest;
        total = fold(total, storage.totals[at], f);
        for (int c = 0; c < 4; ++c) output.at[c] = fold(output.at[c], storage.outputs[at * kStride + column + c], f);
      }
      if (work.first == work.last) {
        storeFour(work, head, column, shareOf(output, total), y);
      } else if (head < work.heads) {
        float* results = partial + kPartialHeader;
        results[head] = largest;
        results[kTokenHeads + head] = total;
        store(results + 2 * kTokenHeads + head * kHeadDim + column, output);
      }
    });
  }

  // The last tile of the token to arrive merges its splits, in order.
  INGOT_INLINE void finish(float* partials, const Work& work, void* y, Storage& storage) {
    int* counter = (int*)partials;
    __threadfence();
    syncTile<kThreads>();
    if (threadIdx.x == 0) storage.isLast[0] = atomicAdd(counter, 1) == work.last - work.first;
    syncTile<kThreads>();
    if (!storage.isLast[0]) return;
    __threadfence();
    forEachFour(work, [&](int head, int column) {
      FourFloats output{};
      if (head < work.heads) output = foldPartials(partials, work, head, column);
      storeFour(work, head, column, output, y);
    });
    if (threadIdx.x == 0) *counter = 0;
  }

  // Loads of kAhead splits are in flight together.
  INGOT_INLINE FourFloats foldPartials(float* partials, const Work& work, int head, int column) {
    constexpr int kAhead = 8;
    float largest = -infinity(), total = 0;
    FourFloats output{};
    for (int split = work.first; split <= work.last; split += kAhead) {
      FourFloats outputs[kAhead];
      float most[kAhead], totals[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        const float* results = partialOf(partials, split + i <= work.last ? split + i : work.last) + kPartialHeader;
        most[i] = loadFresh(results + head);
        totals[i] = loadFresh(results + kTokenHeads + head);
        outputs[i] = loadFreshFour(results + 2 * kTokenHeads + head * kHeadDim + column);
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (split + i > work.last) continue;
        Rescale f = rescaleOf(largest, most[i]);
        largest = f.largest;
        total = fold(total, totals[i], f);
        for (int c = 0; c < 4; ++c) output.at[c] = fold(output.at[c], outputs[i].at[c], f);
      }
    }
    return shareOf(output, total);
  }
};

}  // namespace attention
