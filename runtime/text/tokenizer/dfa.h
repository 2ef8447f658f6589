// Runs a compiled pattern over valid UTF-8.
#pragma once

#include <string_view>

#include "runtime/text/tokenizer/tokenizer_generated.h"
#include "runtime/text/tokenizer/utf8.h"

namespace ingot::text {

// A view of a plan::Dfa. Immutable, thread-safe.
class Dfa {
 public:
  explicit Dfa(const plan::Dfa* dfa)
      : classes_(dfa->classes()), ascii_(dfa->ascii()->data()), blocks_(dfa->blocks()->data()),
        blockClasses_(dfa->block_classes()->data()), transitions_(dfa->transitions()->data()), accepts_(dfa->accepts()->data()) {}

  // End of the match that starts at `start`, or npos. Leftmost-first, as Perl-like engines choose among alternatives.
  size_t match(std::string_view text, size_t start) const {
    size_t end = std::string_view::npos, at = start;
    for (uint32_t state = 1;;) {
      if (at == text.size()) return accepts_[state] & 4 ? at : end;
      size_t before = at;
      uint32_t kind = classOf(text, at);
      state = transitions_[state * classes_ + kind];
      if (state == 0) return end;
      if (uint8_t accept = accepts_[state]) {
        if (accept & 1) end = at;
        else if (accept & 2) end = before;
      }
    }
  }

  bool matchesWhole(std::string_view text) const { return match(text, 0) == text.size(); }

 private:
  uint32_t classOf(std::string_view text, size_t& at) const {
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) return ++at, ascii_[byte];
    uint32_t c = decodeAt(text, at);
    return blockClasses_[blocks_[c >> 8] * 256u + (c & 255)];
  }

  uint32_t classes_;
  const uint8_t* ascii_;
  const uint16_t* blocks_;
  const uint8_t* blockClasses_;
  const uint16_t* transitions_;
  const uint8_t* accepts_;
};

}  // namespace ingot::text
