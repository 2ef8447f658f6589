// SentencePiece's precompiled character map: texts by key in a darts-clone trie.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot::text {

// A view of a plan::Normalizer's trie. Immutable, thread-safe. Every unit is checked at its use.
class CharacterMap {
 public:
  explicit CharacterMap(const plan::Normalizer& step)
      : units_(step.trie()->data()),
        count_(step.trie()->size()),
        texts_(reinterpret_cast<const char*>(step.texts()->data())),
        textBytes_(step.texts()->size()) {}

  // The replacement of the shortest, or longest, key that `text` starts with; `length` is the key's.
  std::optional<std::string_view> find(std::string_view text, bool longest, size_t& length) const;

 private:
  const uint32_t* units_;
  uint32_t count_;
  const char* texts_;
  size_t textBytes_;
};

}  // namespace ingot::text
