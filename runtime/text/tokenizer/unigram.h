// Unigram model (Kudo 2018) of one piece: the segmentation of the highest total score, by Viterbi. Its two implementations
// round differently, which decides between scores that tie or nearly do: the sentencepiece library adds floats (as its
// version 0.2.3 does, src/unigram_model.cc), Hugging Face tokenizers and llama.cpp add doubles.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer/trie.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot::text {

struct UnigramScratch {
  struct Node {
    double score;
    int32_t start, id;  // start < 0: not reached
  };
  struct Segment {
    int32_t begin, end, id;
  };
  std::vector<Node> nodes;  // by where a segment ends
  std::vector<Segment> path;
};

// Immutable, thread-safe.
class Unigram {
 public:
  Unigram(const plan::Model& model, const Vocabulary& vocabulary);

  // Appends the ids of `piece`. Time linear in its length times the longest token.
  void encode(std::string_view piece, UnigramScratch& scratch, std::vector<int32_t>& ids) const;

 private:
  void fillNodes(std::string_view piece, std::vector<UnigramScratch::Node>& nodes) const;
  void addSegment(std::string_view segment, std::vector<int32_t>& ids) const;

  const plan::Model& model_;
  Vocabulary vocabulary_;
  Trie trie_;
};

}  // namespace ingot::text
