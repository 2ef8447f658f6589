// Text of one output as it grows: whole characters only, stop strings found and held back exactly as long as needed.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/request.h"
#include "runtime/text/tokenizer/stream_decoder.h"

namespace ingot {

// Thread-compatible.
class OutputText {
 public:
  // Of `params`: what is skipped, the spaces between special tokens, the stop strings and whether they stay.
  OutputText(const text::Tokenizer& tokenizer, const SamplingParams& params);

  // Adds a token's text; `checkStops` false only decodes. Returns the stop string that ended the text, or null.
  const std::string* push(int32_t token, bool checkStops);
  // Ends the text: what the decoder held is certain now.
  const std::string* finish(bool checkStops);

  const std::string& text() const { return text_; }
  // What may be shown that was not taken yet. After finish() that is all.
  std::string takeCertain();

 private:
  const std::string* findStop(size_t from);

  text::StreamDecoder decoder_;
  int32_t vocab_;  // a model may have more ids than its tokenizer: they have no text
  std::vector<std::string> stops_;
  bool keepStop_, finished_ = false;
  std::string text_;
  size_t taken_ = 0, longestStop_ = 0;
};

}  // namespace ingot
