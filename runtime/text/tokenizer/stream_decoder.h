// Ids -> text as they come: only what is certain, never half a character. The pieces joined are the decode of the whole.
#pragma once

#include <string>

#include "runtime/text/tokenizer/decode_steps.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot::text {

// Thread-compatible.
class StreamDecoder {
 public:
  StreamDecoder(const Tokenizer& tokenizer, bool skipSpecialTokens);

  // Appends to `text` what is certain after this id, which lies inside the vocabulary.
  void push(int32_t id, std::string& text);
  // The ids end here: what was held back is certain.
  void flush(std::string& text) { steps_.flush(text); }

 private:
  const Tokenizer* tokenizer_;
  bool skipSpecial_, takesBytes_ = false;  // the first step takes bytes, not texts
  DecodeSteps steps_;
};

}  // namespace ingot::text
