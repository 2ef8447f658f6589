// WordPiece (Wu et al. 2016): the longest token first, from left to right; a word that does not divide is unknown.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer/trie.h"

namespace ingot::text {

// Immutable, thread-safe.
class WordPiece {
 public:
  explicit WordPiece(const plan::Model& model);

  // Appends the ids of `word`. Time linear in its length times the longest token.
  void encode(std::string_view word, std::vector<int32_t>& ids) const;

 private:
  const plan::Model& model_;
  Trie trie_;
  uint32_t inside_ = Trie::kRoot;  // where the trie stands behind the prefix of continuing pieces
};

}  // namespace ingot::text
