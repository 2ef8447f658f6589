// Query blocks of several tokens, or of one token for which the workspace of partials had no room: a warp iterates over all spans of its rows
// (rows.cuh).
#pragma once

#include "kernels/attention/ring.cuh"
#include "kernels/attention/rows.cuh"
#include "kernels/attention/scalar.cuh"

namespace attention {

// A span's products with tensor cores, from the shared-memory ring that the warps of the tile fill together.
template <class C, int ColumnTiles>
struct SharedSpan {
  typedef TensorCore<C> Core;
  typedef attention::Ring<C, ColumnTiles> Ring;
  typedef attention::Sums<ColumnTiles> Sums;
  struct Storage {
    typename Ring::Shared words;
    typename Core::SpilledQueries queries;
  };

  // Adds the span that starts at token `start`. A warp that sees none of it (`sees`) only takes part in the copies.
  INGOT_INLINE void add(const Core& core, Ring& ring, bool sees, int start, const QueryRange& range, const KvView& view, Sums& sums) {
    if (!sees) {
#pragma unroll 1
      for (int stage = 0; stage < Ring::kStages; ++stage) ring.next(stage, start);
      return;
    }
    PageScores scores[kSpanPages];
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) scores[i / 8][i / 4 % 2][i % 4] = 0;
#pragma unroll
    for (int stage = 0; stage < Ring::kKeyStages; ++stage) {
      int at = ring.next(stage, start);
#pragma unroll
      for (int k = 0; k < Ring::kEach; ++k)
#pragma unroll
        for (int p = 0; p < kSpanPages; ++p)
          core.scorePiece(ring.words, at + p * Ring::kWords + k * Ring::kPieceWords, (stage * Ring::kEach + k) * Core::kLoadSteps, scores[p]);
    }
#pragma unroll
    for (int i = 0; i < kSpanPages * 8; ++i) scores[i / 8][i / 4 % 2][i % 4] *= Core::kWidened;
    Rescale rescale[2];
    Span<C>::template softmaxSpan<typename Core::Type>(scores, start, range, view, sums, rescale);
    typename Core::Weights weights[kSpanPages];
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) weights[p] = Core::weightsOf(scores[p]);
#pragma unroll
    for (int stage = Ring::kKeyStages; stage < Ring::kStages; ++stage) {
      int at = ring.next(stage, start);
      float output[Ring::kTiles][4] = {};
      if (start + kSpanTokens - 1 > range.last || (C::kWindow && start < ring.firstToken()))
        addStage<true>(weights, ring, at, ring.firstToken() - start, range.last - start, output);
      else addStage<false>(weights, ring, at, 0, 0, output);
#pragma unroll
      for (int i = 0; i < 4 * Ring::kTiles; ++i) {
        float& sum = sums.output[(stage - Ring::kKeyStages) * Ring::kTiles + i / 4][i % 4];
        sum = fold(sum, output[i / 4][i % 4], rescale[i % 4 / 2]);
        opaque(sum);
      }
    }
  }

  // Accumulates P*V of one stage, for a span that ends after token `last` of the range or starts before token `first` (both relative to the span).
  // Pages before `first` repeat the nearest one in range, so all of their tokens are masked.
  template <bool SomeBehind>
  INGOT_INLINE void addStage(const typename Core::Weights (&weights)[kSpanPages], Ring& ring, int at, int first, int last,
                             float (&output)[Ring::kTiles][4]) {
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
#pragma unroll
      for (int k = 0; k < Ring::kEach; ++k)
        Core::template addPiece<SomeBehind>(weights[p], ring.words, at + p * Ring::kWords + k * Ring::kPieceWords,
                                            C::kWindow && (p + 1) * kPageTokens <= first ? -1 : last - p * kPageTokens,
                                            output + 2 * Core::kLoadSteps * k);
  }
};

// A span's products in scalar code, straight from global memory.
template <class C, int ColumnTiles>
struct PlainSpan {
  typedef ScalarCore<C> Core;
  typedef attention::Sums<ColumnTiles> Sums;
  struct Storage {
    int words;
    typename Core::SpilledQueries queries;
  };
  struct Ring {
    int firstTile;
    INGOT_MEMBER Ring(int, const KvView&, int, int, int firstTile) : firstTile(firstTile) {}
  };

  INGOT_INLINE void add(const Core& core, Ring& ring, bool sees, int start, const QueryRange& range, const KvView& view, Sums& sums) {
    typedef typename Core::Type Type;
    if (!sees) return;
    PageScores scores[kSpanPages];
    long long offsets[kSpanPages];
    bool seen[kSpanPages];
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p) {
      seen[p] = Span<C>::isSeen(start, p, range);
      offsets[p] = seen[p] ? Span<C>::offsetOf(view, start + p * kPageTokens) : 0;
    }
    core.score((const Type*)view.operands[1], offsets, seen, scores);
    Rescale rescale[2];
    Span<C>::template softmaxSpan<Type>(scores, start, range, view, sums, rescale);
    float output[ColumnTiles][4] = {};
#pragma unroll
    for (int p = 0; p < kSpanPages; ++p)
      if (seen[p])
        core.addValues(Core::weightsOf(scores[p]), (const Type*)view.operands[2] + offsets[p], range.last - start - p * kPageTokens, ring.firstTile,
                       output);
#pragma unroll
    for (int i = 0; i < 4 * ColumnTiles; ++i) sums.output[i / 4][i % 4] = fold(sums.output[i / 4][i % 4], output[i / 4][i % 4], rescale[i % 4 / 2]);
  }
};

template <class C, int ColumnTiles, bool Tensor>
struct SpanOf {
  typedef PlainSpan<C, ColumnTiles> Type;
};
template <class C, int ColumnTiles>
struct SpanOf<C, ColumnTiles, true> {
  typedef SharedSpan<C, ColumnTiles> Type;
};

template <class C>
struct UnsplitTile {
  static constexpr int kThreads = kCudaAttentionThreads;
  typedef attention::Rows<C, kThreads / kWarp, kHasThreeBlocks<C> ? 64 : 128> Rows;
  typedef typename Rows::Work Work;
  typedef typename Rows::Sums Sums;
  typedef typename SpanOf<C, Rows::kColumnTiles, PageLayout<C::kCache, C::kHeadDim>::kFragments>::Type TileSpan;
  typedef typename TileSpan::Core Core;
  typedef typename TileSpan::Ring Ring;
  struct Storage {
    typename Rows::Shared rows;
    typename TileSpan::Storage span;
  };

  INGOT_INLINE void run(const IngotBatch& batch, int index, int tile, void* const* operands, Storage& storage) {
    int kvHead = Rows::kvHeadOf(tile), before = Rows::blocksBefore(batch, index), blocks = before ? 0 : Rows::blocksFrom(batch, index);
    if (kvHead >= Rows::kKvHeads || blocks == 0) return awaitLaunches();
    Work work = Rows::workOf(batch, index, blocks, tile);
    KvRange kv = Rows::kvRangeOf(batch, index, blocks);
    KvView view{kv.pages, kvHead, operands};
    awaitLaunches();
    Core core;
    core.load((const float*)operands[0] + (long long)work.row * C::kHeadDim, C::kHeads * C::kHeadDim, work.tokens(), storage.span.queries);
    for (; work.column < C::kHeadDim; work.column += Rows::kColumns) {
      Ring ring(storage.span.words, view, kv.first, kv.last, work.column / 8);
      foldSpans(core, ring, work, kv, view, storage);
      if (work.range.last >= 0) Rows::finish(work, operands[3], storage.rows);
      syncTile<kThreads>();
    }
  }

  // All spans that the tile sees, in order.
  INGOT_INLINE void foldSpans(const Core& core, Ring& ring, const Work& work, const KvRange& kv, const KvView& view, Storage& storage) {
    for (int split = kv.first / INGOT_SPLIT_TOKENS; split <= kv.last / INGOT_SPLIT_TOKENS; ++split) {
      Sums sums;
      sums.clear();
      for (int start = split * INGOT_SPLIT_TOKENS; start < (split + 1) * INGOT_SPLIT_TOKENS; start += kSpanTokens)
        if (kv.has(start)) TileSpan::add(core, ring, work.sees(start), start, work.range, view, sums);
      Rows::foldSplit(sums, split, work.range, storage.rows);
    }
  }
};

}  // namespace attention
