// The decoder of a tokenizer: steps that tokens pass one after the other, each shown as soon as it is certain.
#pragma once

#include <string>
#include <vector>

#include "runtime/text/tokenizer/dfa.h"

namespace ingot::text {

// What a step remembers between tokens. Plain data.
struct DecodeState {
  bool isFirst = true;  // no token came yet
  bool holds = false;   // `held` is a token that waits
  uint32_t cut = 0;     // strip: characters taken off the start so far
  std::string held;
  std::string last;  // ctc: the token before
};

// Runs a list of plan::Decode. Behind a step that joins the tokens into one, the others see that one in parts.
// Thread-compatible.
class DecodeSteps {
 public:
  DecodeSteps(const flatbuffers::Vector<flatbuffers::Offset<plan::Decode>>* steps, const std::vector<Dfa>& dfas);

  void push(std::string_view token, std::string& text) { pushTo(0, token, text); }
  void flush(std::string& text);

 private:
  const plan::Decode& step(size_t i) const { return *steps_->Get(static_cast<flatbuffers::uoffset_t>(i)); }
  void pushTo(size_t i, std::string_view token, std::string& text);
  // A part of the one joined token, for the steps behind the join.
  void pushPart(size_t i, std::string_view part, std::string& text);
  void flushStep(size_t i, std::string& text);
  // The step's own work on one whole token; `isLast`: nothing follows.
  void whole(size_t i, std::string_view token, bool isLast, std::string& text);

  void addBytes(size_t i, std::string_view bytes, bool isLast, std::string& text);
  void endByteRun(size_t i, std::string& text);
  void stripStart(size_t i, std::string_view part, std::string& text);
  void markedPart(size_t i, std::string_view token, bool isFirst, std::string& text);

  const flatbuffers::Vector<flatbuffers::Offset<plan::Decode>>* steps_;
  const std::vector<Dfa>* dfas_;
  std::vector<DecodeState> states_;
  size_t joined_;  // steps from here on see one token
};

}  // namespace ingot::text
