// Text of one output as it grows: whole characters only. Finds stop strings, and holds back text that may be the start of one.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/request.h"
#include "runtime/text/tokenizer/stream_decoder.h"

namespace ingot {

// Thread-compatible.
class OutputText {
 public:
  // Uses of `params`: skipping of special tokens, spaces between them, stop strings and whether the text keeps them.
  OutputText(const text::Tokenizer& tokenizer, const SamplingParams& params);

  // Adds a token's text; `checkStops` false only decodes. Returns the stop string that ended the text, or null.
  const std::string* push(int32_t token, bool checkStops);
  // Ends the text: releases what the decoder and the search for stop strings held back.
  const std::string* finish(bool checkStops);

  const std::string& text() const { return text_; }
  // Text that may be shown and was not taken yet; after finish() all the rest.
  std::string takeCertain();

 private:
  const std::string* findStop(size_t from);

  text::StreamDecoder decoder_;
  int32_t vocab_;  // a model may have more ids than its tokenizer; those have no text
  std::vector<std::string> stops_;
  bool keepStop_, finished_ = false;
  std::string text_;
  size_t taken_ = 0, longestStop_ = 0;
};

}  // namespace ingot
