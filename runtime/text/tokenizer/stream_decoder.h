// Ids -> text as they come: only what is certain, never half a character. The pieces joined are the decode of the whole.
#pragma once

#include <string>

#include "runtime/text/tokenizer/decode_steps.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot::text {

// Thread-compatible.
class StreamDecoder {
 public:
  // Without `spacesBetweenSpecial` an added token right behind another one is spelt as it is, whatever space the decoder would
  // put before it: vLLM's spaces_between_special_tokens. It says nothing where special tokens are skipped.
  StreamDecoder(const Tokenizer& tokenizer, bool skipSpecialTokens, bool spacesBetweenSpecial = true);

  // Appends to `text` what is certain after this id, which lies inside the vocabulary.
  void push(int32_t id, std::string& text);
  // The ids end here: what was held back is certain.
  void flush(std::string& text) { steps_.flush(text); }

 private:
  void pushText(std::string_view piece, std::string& text);

  const Tokenizer* tokenizer_;
  bool skipSpecial_, spacesBetweenSpecial_;
  bool takesBytes_ = false;  // the first step takes bytes, not texts
  bool afterAdded_ = false;  // the last token was an added one
  DecodeSteps steps_;
};

}  // namespace ingot::text
