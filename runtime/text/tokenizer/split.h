// The pre-tokenizers of a tokenizer: cut a text into pieces that the model sees one by one.
#pragma once

#include <string>
#include <vector>

#include "runtime/text/tokenizer/dfa.h"

namespace ingot::text {

struct Piece {
  uint32_t begin, end;  // bytes of the text
};

struct SplitScratch {
  std::string text;
  std::vector<Piece> pieces;
};

// Cuts `text` (which prefix spaces and Metaspace rewrite) into `pieces`, none empty. The first `head` bytes come from the
// first character of the whole input: pieces that begin there are first.
void split(const plan::Tokenizer& tokenizer, const std::vector<Dfa>& dfas, size_t head, std::string& text, std::vector<Piece>& pieces,
           SplitScratch& scratch);

}  // namespace ingot::text
