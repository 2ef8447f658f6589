// Runs a compiled pattern over valid UTF-8.
#pragma once

#include <string_view>

#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot::text {

// A view of a plan::Dfa. Immutable, thread-safe.
class Dfa {
 public:
  static constexpr size_t kNone = std::string_view::npos;

  explicit Dfa(const plan::Dfa* dfa)
      : classes_(dfa->classes()),
        start_(dfa->start()),
        ascii_(dfa->ascii()->data()),
        blocks_(dfa->blocks()->data()),
        blockClasses_(dfa->block_classes()->data()),
        transitions_(dfa->transitions()->data()) {}

  // End of the match that starts at `start`, or kNone. Leftmost-first, as Perl-like engines choose among alternatives.
  size_t match(std::string_view text, size_t start) const {
    size_t end = start_ & 1 ? start : kNone, at = start;
    uint32_t row = classes_, accept = start_;
    while (at < text.size()) {
      size_t before = at;
      uint32_t next = transitions_[row + classOf(text, at)];
      row = next >> 3;
      if (row == 0) return end;
      accept = next & 7;
      if (accept & 1) end = at;
      else if (accept & 2) end = before;
    }
    return accept & 4 ? at : end;
  }

  // The first match at or after `at`, which moves to its start; its end, or kNone and `at` at the end of the text.
  // An empty match right behind `lastEnd`, the end of the match before, does not count.
  size_t find(std::string_view text, size_t& at, size_t lastEnd) const {
    while (at < text.size()) {
      size_t end = match(text, at);
      if (end != kNone && !(end == at && at == lastEnd)) return end;
      if (end == kNone) skipAlike(text, at);
      else decodeAt(text, at);
    }
    return (start_ & 4) && at != lastEnd ? at : kNone;
  }

  bool matchesWhole(std::string_view text) const { return match(text, 0) == text.size(); }

 private:
  uint32_t classOf(std::string_view text, size_t& at) const {
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) return ++at, ascii_[byte];
    uint32_t c = decodeAt(text, at);
    return blockClasses_[blocks_[c >> 8] * 256u + (c & 255)];
  }

  // No match starts at `at`. Moves on to the next place where one could: a start whose first step leads to where
  // the failed try stood already fails as that did, so a run of them costs no second look.
  void skipAlike(std::string_view text, size_t& at) const {
    uint32_t state = transitions_[classes_ + classOf(text, at)];
    while (at < text.size() && (state >> 3) != 0) {
      size_t next = at;
      uint32_t kind = classOf(text, next);
      uint32_t restarted = transitions_[classes_ + kind];
      if (transitions_[(state >> 3) + kind] != restarted) return;
      state = restarted;
      at = next;
    }
  }

  uint32_t classes_;
  uint8_t start_;
  const uint8_t* ascii_;
  const uint16_t* blocks_;
  const uint8_t* blockClasses_;
  const uint32_t* transitions_;
};

}  // namespace ingot::text
