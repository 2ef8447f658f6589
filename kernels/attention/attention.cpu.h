// Causal attention over a paged KV cache with an online softmax (Milakov & Gimelshein 2018; Dao et al. 2022).
// Tile i is query block i / kKvHeads and KV head i % kKvHeads. Its rows are the query heads of the group, for each token. A few rows at a time are
// multiplied with a span of kSpanTokens tokens: scores, weights and weighted values stay in registers.
// A row takes the spans of its own sequence in ascending order, and masked tokens add zeros, so its bits do not depend on its query block.
// Prelude: kLayers kHeads kKvHeads kHeadDim kScale kWindow (0: none) kSoftcap (0: none) kAlibi kSlopes (of each head) kCache
// kResultGroup (0: f32 rows; else quantised, groups within a head). Operands: q, keys, values, y.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/attention/attention.spec.h"
#include "kernels/kvcache/element.h"
#include "kernels/prim/math.h"
#include "kernels/prim/quantize.cpu.h"

namespace attention {

typedef CacheElement<kCache> Element;
typedef Element::Type Cached;
constexpr int kGroupHeads = kHeads / kKvHeads;
constexpr int kVectors = kHeadDim / kLanes;
constexpr int kRowStride = kHeads * kHeadDim;
constexpr int kMaxRows = INGOT_QUERY_BLOCK * kGroupHeads;
constexpr int kSpanPages = kSpanTokens / kPageTokens;
constexpr float kMasked = -__builtin_inff();

// Register tile: rows, and pages (of scores) or vectors (of values), whose accumulators fit into registers.
#if defined(__AVX512F__)
constexpr int kMostRows = 8, kWide = 2;
#else
constexpr int kMostRows = 4, kWide = 1;
#endif
constexpr int largestDivisor(int n, int most) {
  while (n % most) --most;
  return most;
}
// Rows per register tile: all of one token, or of several; the remainder is whole tokens too.
constexpr int kFewRows = kGroupHeads <= kMostRows ? kGroupHeads : largestDivisor(kGroupHeads, kMostRows);
constexpr int kManyRows = kMostRows / kFewRows * kFewRows;

struct alignas(64) Scratch {
  float q[kMaxRows][kHeadDim];  // scaled
  float output[kMaxRows][kHeadDim];
  float largest[(kMaxRows + 15) / 16 * 16], total[(kMaxRows + 15) / 16 * 16];
  float weights[8][kSpanTokens];
};
static_assert(sizeof(Scratch) <= attentionScratchBytes(kMaxRows, kHeadDim));

// Pages [first, pages) of one span, for one KV head; pages outside that no row sees are replaced by the nearest one inside.
struct Span {
  int start;  // first token
  int first, pages, kvHead;
  const Cached *keys[kSpanPages], *values[kSpanPages];
};

// Tokens [low, high] of the sequence that a row sees.
struct Sight {
  int low, high;
};
INGOT_INLINE int firstSeen(int position) { return kWindow && position >= kWindow ? position - kWindow + 1 : 0; }

// ALiBi slope of a row.
INGOT_INLINE float slopeOf(int kvHead, int row) { return kAlibi ? kSlopes[kvHead * kGroupHeads + row % kGroupHeads] : 0.0f; }

constexpr int kLine = 64 / (int)sizeof(Cached);  // values in a cache line

// Scales of a page's keys, or values, of a head; ones unless the cache has codes.
INGOT_INLINE F32x16 scalesFrom(const Cached* head, const Cached* next) {
  if constexpr (kCache != CacheType::i8) return splat(1.0f);
  __builtin_prefetch(scalesOf<kHeadDim>(next), 0, 3);
  return load<F32x16>(scalesOf<kHeadDim>(head));
}

// Loops over scores, and over values below, prefetch the next span in step with their reads of this one: a burst of prefetches would stall.
template <int Rows, int Pages>
INGOT_INLINE void scorePages(const float (*q)[kHeadDim], const Span& span, const Span& next, int page, float (*scores)[kSpanTokens]) {
  F32x16 sums[Rows][Pages] = {};
#pragma clang loop unroll_count(4)
  for (int d = 0; d < kHeadDim; ++d) {
    F32x16 key[Pages];
    for (int p = 0; p < Pages; ++p) {
      key[p] = Element::load16(span.keys[page + p] + d * kPageTokens);
      if (d * kPageTokens % kLine == 0) __builtin_prefetch(next.keys[page + p] + d * kPageTokens, 0, 3);
    }
    for (int r = 0; r < Rows; ++r)
      for (int p = 0; p < Pages; ++p) sums[r][p] = fma(splat(q[r][d]), key[p], sums[r][p]);
  }
  for (int p = 0; p < Pages; ++p) {
    F32x16 scales = scalesFrom(span.keys[page + p], next.keys[page + p]);
    for (int r = 0; r < Rows; ++r) store(scores[r] + (page + p) * kPageTokens, sums[r][p] * scales);
  }
}

// Replaces scores by weights, after multiplying those of codes by their scales; updates the row's running sum and maximum. Returns the factor that
// rescales the previous sums.
INGOT_INLINE float weigh(float* scores, const Span& span, Sight sight, float slope, float& largest, float& total) {
  F32x16 s[kSpanPages], most = splat(kMasked);
  for (int p = 0; p < kSpanPages; ++p) {
    I32x16 token = kLaneIndex + (span.start + p * kPageTokens);
    s[p] = load<F32x16>(scores + p * kPageTokens);
    if constexpr (kSoftcap != 0) s[p] = softcap(s[p], kSoftcap);
    if constexpr (kAlibi != 0) s[p] = fma(splat(slope), toFloat(token - sight.high), s[p]);
    s[p] = select((token >= sight.low) & (token <= sight.high), s[p], splat(kMasked));
    most = maximum(most, s[p]);
  }
  float before = largest, now = maxOfLanes(most);
  now = now > before ? now : before;
  F32x16 sum = {};
  for (int p = 0; p < kSpanPages; ++p) {
    F32x16 weight = now == kMasked ? splat(0.0f) : exponentialOfNegative(s[p] - now);
    store(scores + p * kPageTokens, weight * scalesFrom(span.values[p], span.values[p]));
    sum += weight;
  }
  float shrink = now == before ? 1.0f : exponentialOfNegative(splat(before - now))[0];
  total = total * shrink + sumOfLanes(sum);
  largest = now;
  return shrink;
}

// output = output * shrink + weights * values, for the span's first `tokens`.
template <int Rows, int Vectors>
INGOT_INLINE void addValues(const float (*weights)[kSpanTokens], const Span& span, const Span& next, int tokens, const float* shrink, int column,
                            float (*output)[kHeadDim]) {
  F32x16 sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) sums[r][v] = load<F32x16>(output[r] + column + v * kLanes) * shrink[r];
  for (int page = span.first; page * kPageTokens < tokens; ++page) {
    const Cached* values = span.values[page] + column;
    int count = tokens - page * kPageTokens < kPageTokens ? tokens - page * kPageTokens : kPageTokens;
    for (int t = 0; t < count; ++t) {
      F32x16 value[Vectors];
      for (int v = 0; v < Vectors; ++v) value[v] = Element::load16(values + t * kHeadDim + v * kLanes);
      for (int i = 0; i < Vectors * kLanes; i += kLine) __builtin_prefetch(next.values[page] + column + t * kHeadDim + i, 0, 3);
      for (int r = 0; r < Rows; ++r)
        for (int v = 0; v < Vectors; ++v) sums[r][v] = fma(splat(weights[r][page * kPageTokens + t]), value[v], sums[r][v]);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) store(output[r] + column + v * kLanes, sums[r][v]);
}

// One span for rows [row, row + Rows).
template <int Rows>
INGOT_INLINE void addSpan(const Span& span, const Span& next, int position, int row, Scratch& s) {
  int lastPosition = position + (row + Rows - 1) / kGroupHeads;
  if (span.start > lastPosition || span.start + kSpanTokens <= firstSeen(position + row / kGroupHeads)) return;
  int tokens = lastPosition + 1 - span.start < kSpanTokens ? lastPosition + 1 - span.start : kSpanTokens;
  int page = span.first, pages = (tokens + kPageTokens - 1) / kPageTokens;
  for (; page + kWide <= pages; page += kWide) scorePages<Rows, kWide>(s.q + row, span, next, page, s.weights);
  if (page < pages) scorePages<Rows, 1>(s.q + row, span, next, page, s.weights);
  float shrink[Rows];
  for (int r = 0; r < Rows; ++r) {
    int at = position + (row + r) / kGroupHeads;
    shrink[r] = weigh(s.weights[r], span, {firstSeen(at), at}, slopeOf(span.kvHead, row + r), s.largest[row + r], s.total[row + r]);
  }
  constexpr int kRest = kVectors % kWide;
  for (int v = 0; v + kWide <= kVectors; v += kWide) addValues<Rows, kWide>(s.weights, span, next, tokens, shrink, v * kLanes, s.output + row);
  if constexpr (kRest != 0) addValues<Rows, kRest>(s.weights, span, next, tokens, shrink, (kVectors - kRest) * kLanes, s.output + row);
}

INGOT_INLINE Span spanAt(int start, int first, int last, const ingot_i32* pages, int kvHead, void* const* operands) {
  Span span{start, first > start ? (first - start) / kPageTokens : 0, (last - start) / kPageTokens + 1, kvHead};
  if (span.pages > kSpanPages) span.pages = kSpanPages;
  for (int page = 0; page < kSpanPages; ++page) {
    int use = page < span.first ? span.first : page < span.pages ? page : span.pages - 1;
    long long offset = headOffset(kCache, pages[start / kPageTokens + use], kLayers, kvHead, kKvHeads, kHeadDim);
    span.keys[page] = (const Cached*)operands[1] + offset;
    span.values[page] = (const Cached*)operands[2] + offset;
  }
  return span;
}

INGOT_INLINE void finish(int row, long long token, int head, void* y, Scratch& s) {
  float* output = s.output[row];
  float inverse = 1.0f / s.total[row];
  float* values = kResultGroup ? output : (float*)y + token * kRowStride + head * kHeadDim;
  for (int d = 0; d < kHeadDim; d += kLanes) store(values + d, load<F32x16>(output + d) * inverse);
  if constexpr (kResultGroup != 0) {
    constexpr int kRounded = kResultGroup ? kResultGroup : kLanes;
    char* to = (char*)y + token * quantizedRowBytes(kRowStride, kRounded);
    for (int d = 0; d < kHeadDim; d += kRounded) quantizeGroup<kRounded, kRowStride>(output + d, to, (head * kHeadDim + d) / kRounded);
  }
}

INGOT_INLINE void computeBlock(const IngotBatch* batch, const IngotQueryBlock& block, int kvHead, void* const* operands, Scratch& s) {
  long long at = (long long)block.first_token * kRowStride + kvHead * kGroupHeads * kHeadDim;
  const float* q = (const float*)operands[0] + at;
  const ingot_i32* pages = batch->page_table + (long long)block.sequence * batch->max_pages;
  int position = batch->positions[block.first_token], last = position + block.num_tokens - 1, rows = block.num_tokens * kGroupHeads;
  for (int row = 0; row < rows; ++row) {
    const float* from = q + row / kGroupHeads * kRowStride + row % kGroupHeads * kHeadDim;
    for (int d = 0; d < kHeadDim; d += kLanes) {
      store(s.q[row] + d, load<F32x16>(from + d) * kScale);
      store(s.output[row] + d, splat(0.0f));
    }
    s.largest[row] = kMasked;
    s.total[row] = 0;
  }
  int first = firstSeen(position);
  Span next = spanAt(first / kSpanTokens * kSpanTokens, first, last, pages, kvHead, operands);
  while (next.start <= last) {
    Span span = next;
    next.start = span.start + kSpanTokens;
    if (next.start <= last) {
      next = spanAt(next.start, first, last, pages, kvHead, operands);
    }
    int row = 0;
    for (; row + kManyRows <= rows; row += kManyRows) addSpan<kManyRows>(span, next, position, row, s);
    if constexpr (kManyRows != kFewRows)
      for (; row < rows; row += kFewRows) addSpan<kFewRows>(span, next, position, row, s);
  }
  for (int row = 0; row < rows; ++row) finish(row, block.first_token + row / kGroupHeads, kvHead * kGroupHeads + row % kGroupHeads, operands[3], s);
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last, void* scratch) {
  for (long long tile = first; tile < last; ++tile)
    computeBlock(args->batch, args->batch->blocks[tile / kKvHeads], (int)(tile % kKvHeads), args->operands, *(Scratch*)scratch);
}

}  // namespace attention
