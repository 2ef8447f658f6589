// The model of a tokenizer, whichever kind it is: one piece -> ids.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/text/tokenizer/bpe.h"
#include "runtime/text/tokenizer/unigram.h"
#include "runtime/text/tokenizer/word_piece.h"

namespace ingot::text {

struct ModelScratch {
  BpeScratch bpe;
  UnigramScratch unigram;
};

// Immutable, thread-safe.
class Model {
 public:
  Model(const plan::Model& model, const Vocabulary& vocabulary)
      : kind_(model.kind()),
        unkId_(model.unk_id()),
        vocabulary_(vocabulary),
        bpe_(model, vocabulary),
        unigram_(model, vocabulary),
        wordPiece_(model) {}

  // Appends the ids of `piece`, which is not empty.
  void encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const {
    switch (kind_) {
      case plan::ModelKind::bpe: return bpe_.encode(piece, scratch.bpe, ids);
      case plan::ModelKind::unigram: return unigram_.encode(piece, scratch.unigram, ids);
      case plan::ModelKind::wordpiece: return wordPiece_.encode(piece, ids);
      case plan::ModelKind::wordlevel: break;
    }
    int32_t id = vocabulary_.find(piece);
    if (id >= 0 || unkId_ >= 0) ids.push_back(id >= 0 ? id : unkId_);
  }

 private:
  plan::ModelKind kind_;
  int32_t unkId_;
  Vocabulary vocabulary_;
  Bpe bpe_;
  Unigram unigram_;
  WordPiece wordPiece_;
};

}  // namespace ingot::text
