// The normalizers of a tokenizer, one after the other.
#pragma once

#include <string>
#include <vector>

#include "runtime/text/tokenizer/added_tokens.h"
#include "runtime/text/tokenizer/dfa.h"

namespace ingot::text {

struct NormalizeScratch {
  std::string other;
  std::vector<uint32_t> points;
  std::vector<uint64_t> marks;
};

// Replaces `text` by its normal form. Its first `head` bytes come from the first character of the whole input (the one
// at offset 0, or 0 bytes where the text starts later), before and after. `kept` is what SentencePiece's normalizer leaves alone.
void normalize(const plan::Tokenizer& tokenizer, const std::vector<Dfa>& dfas, const AddedTokens& kept, std::string& text, size_t& head,
               NormalizeScratch& scratch);

}  // namespace ingot::text
