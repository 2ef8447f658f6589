// SentencePiece's normalizer: its character map, its spaces, and the pieces of the user that it leaves alone.
#pragma once

#include <string>
#include <string_view>

#include "runtime/text/tokenizer/added_tokens.h"
#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot::text {

// Appends the normal form of `text`: what Normalizer::Normalize of the sentencepiece library (src/normalizer.cc) makes of it.
// `isFirst`: the text begins the whole input. A step that prepends a space to the first text only does as Hugging Face
// tokenizers does it: not before another space, and texts that come later keep one of the spaces they begin with.
void normalizeSentence(const plan::Normalizer& step, const AddedTokens& kept, std::string_view text, bool isFirst, std::string& out);

}  // namespace ingot::text
