#include "runtime/engine/output_text.h"

#include <algorithm>

namespace ingot {

OutputText::OutputText(const text::Tokenizer& tokenizer, const SamplingParams& params)
    : decoder_(tokenizer, params.skip_special_tokens, params.spaces_between_special_tokens),
      vocab_(tokenizer.vocabSize()),
      stops_(params.stop),
      keepStop_(params.include_stop_str_in_output) {
  for (const auto& stop : stops_) longestStop_ = std::max(longestStop_, stop.size());
}

const std::string* OutputText::push(int32_t token, bool checkStops) {
  size_t before = text_.size();
  if (token < vocab_) decoder_.push(token, text_);
  return checkStops ? findStop(before) : nullptr;
}

const std::string* OutputText::finish(bool checkStops) {
  size_t before = text_.size();
  if (!finished_) decoder_.flush(text_);
  finished_ = true;
  return checkStops ? findStop(before) : nullptr;
}

// Finds the stop string that ends first, among those that end at or after `from`, and cuts the text at it.
const std::string* OutputText::findStop(size_t from) {
  const std::string* found = nullptr;
  size_t start = from >= longestStop_ ? from - longestStop_ + 1 : 0, at = std::string::npos;
  if (longestStop_ == 0) return nullptr;
  for (const auto& stop : stops_) {
    size_t position = text_.find(stop, from + 1 >= stop.size() ? std::max(start, from + 1 - stop.size()) : 0);
    if (position == std::string::npos || (found && position + stop.size() >= at + found->size())) continue;
    found = &stop;
    at = position;
  }
  if (found) {
    text_.resize(keepStop_ ? at + found->size() : at);
    finished_ = true;
  }
  return found;
}

std::string OutputText::takeCertain() {
  size_t certain = text_.size();
  if (!finished_)
    for (const auto& stop : stops_)
      for (size_t length = std::min(stop.size() - 1, text_.size()); length > 0; --length)
        if (text_.compare(text_.size() - length, length, stop, 0, length) == 0) {
          certain = std::min(certain, text_.size() - length);
          break;
        }
  if (certain <= taken_) return {};
  std::string piece = text_.substr(taken_, certain - taken_);
  taken_ = certain;
  return piece;
}

}  // namespace ingot
