// A ring of shared-memory stages for the keys and values of one KV head, filled with cp.async by the warps of a tile that iterate over its spans
// together. A stage is a few pieces (TensorCore::kPieceWords) of each page of a span. Per span the stages of the keys come first, then those of
// the values; kAhead stages are in flight.
#pragma once

#include "kernels/attention/tensor.cuh"

namespace attention {

template <class C, int ColumnTiles>
class Ring {
 public:
  typedef TensorCore<C> Core;
  typedef typename Core::Type Type;
  static constexpr int kThreads = kCudaAttentionThreads, kSlots = 3, kAhead = kSlots - 1;
  static constexpr int kPieceWords = Core::kPieceWords, kPieces = Core::kSteps / Core::kLoadSteps;  // per page
  // Column tiles of values per stage; pieces of a page per stage.
  static constexpr int kTiles = Core::tilesAtOnce(ColumnTiles), kEach = kTiles / 2 / Core::kLoadSteps;
  static constexpr int kKeyStages = kPieces / kEach, kStages = kKeyStages + ColumnTiles / kTiles;
  static constexpr int kWords = kEach * kPieceWords, kSlotWords = kSpanPages * kWords, kCopies = (kSlotWords + kThreads - 1) / kThreads;
  static_assert(kPieces % kEach == 0, "stages of keys are whole");
  typedef SharedArray<Words, kSlots * kSlotWords> Shared;

  // For tokens [first, last], and the values' column tiles [firstTile, firstTile + ColumnTiles). All threads of the tile call this.
  INGOT_MEMBER Ring(Shared& words, const KvView& view, int first, int last, int firstTile)
      : words(words),
        pages_(view.pages),
        keys_((const Type*)view.operands[1]),
        values_((const Type*)view.operands[2]),
        kvHead_(view.kvHead),
        first_(first),
        last_(last),
        firstPiece_(firstTile / 2 / Core::kLoadSteps) {
    int start = first / kSpanTokens * kSpanTokens;
    findPages(start);
    for (int stage = 0; stage < kAhead; ++stage) begin(stage, start, stage * kSlotWords);
  }

  // Waits for a stage of the span that starts at token `start`; returns its first word. The previous stage may be overwritten from here on. Must
  // be called for every stage in order. A page outside the range repeats the nearest one inside.
  INGOT_MEMBER int next(int stage, int start) {
    waitForCopies<kAhead - 1>();
    syncTile<kThreads>();
    int ahead = stage + kAhead, at = used_, to = at == 0 ? kAhead * kSlotWords : at - kSlotWords;
    if (ahead < kStages) begin(ahead, start, to);
    else begin(ahead - kStages, start + kSpanTokens, to);
    used_ = at == kAhead * kSlotWords ? 0 : at + kSlotWords;
    return at;
  }

  // First token of the KV range.
  INGOT_MEMBER int firstToken() const { return first_; }

  Shared& words;

 private:
  INGOT_MEMBER void begin(int stage, int start, int to) {
    if (start <= last_) {
      if (stage < kKeyStages) copy(keys_, stage * kEach, to);
      else copy(values_, firstPiece_ + (stage - kKeyStages) * kEach, to);
      if (stage == kStages - 1 && start + kSpanTokens <= last_) findPages(start + kSpanTokens);
    }
    commitCopies();
  }

  // Looks up the pages that the thread copies from, one stage before it copies.
  INGOT_MEMBER void findPages(int start) {
#pragma unroll
    for (int j = 0; j < kCopies; ++j) {
      int page = start / kPageTokens + (j * kThreads + (int)threadIdx.x) % kSlotWords / kWords, most = last_ / kPageTokens;
      copied_[j] = pages_[page > most ? most : page < first_ / kPageTokens ? first_ / kPageTokens : page];
    }
  }

  INGOT_MEMBER void copy(const Type* heads, int piece, int to) {
#pragma unroll
    for (int j = 0; j < kCopies; ++j) {
      int i = j * kThreads + threadIdx.x;
      if (kSlotWords % kThreads != 0 && i >= kSlotWords) return;
      const Type* head = heads + headOffset(C::kCache, copied_[j], C::kLayers, kvHead_, C::kKvHeads, C::kHeadDim);
      copyAsync(words, to + i, (const char*)head + (piece * kPieceWords + i % kWords) * (int)sizeof(Words));
    }
  }

  const ingot_i32* pages_;
  const Type *keys_, *values_;
  int kvHead_, first_, last_, firstPiece_;
  int copied_[kCopies];
  int used_ = 0;  // first word of the next stage to be used
};

}  // namespace attention
