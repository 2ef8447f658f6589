// Ids -> text as they come: only what is certain, never half a character. The pieces joined are the decode of the whole.
#pragma once

#include <string>

#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot::text {

// Thread-compatible.
class StreamDecoder {
 public:
  StreamDecoder(const Tokenizer& tokenizer, bool skipSpecialTokens) : tokenizer_(&tokenizer), skipSpecial_(skipSpecialTokens) {}

  // Appends to `text` what is certain after this id, which lies inside the vocabulary.
  void push(int32_t id, std::string& text);
  // The ids end here: what was held back is certain.
  void flush(std::string& text);

 private:
  void pushBytes(std::string_view bytes, std::string& text);
  void endByteRun(std::string& text);
  void append(std::string_view piece, std::string& text);

  const Tokenizer* tokenizer_;
  bool skipSpecial_, isFirst_ = true;
  std::string held_;       // an unfinished character, or a run of byte tokens
  uint32_t stripped_ = 0;  // leading spaces taken away so far
  bool stripping_ = true;
};

}  // namespace ingot::text
