// Finds added tokens in a text: strings that are tokens whatever stands around them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "runtime/text/tokenizer/dfa.h"

namespace ingot::text {

struct AddedMatch {
  size_t begin = 0, end = 0;
  int32_t id = 0;
};

// Immutable, thread-safe.
class AddedTokens {
 public:
  AddedTokens(const plan::AddedTokens* tokens, std::optional<Dfa> wordCharacter);

  bool empty() const { return count_ == 0; }
  // Bytes of the longest token that stands at `at`, which is inside the text; 0: none does.
  size_t lengthAt(std::string_view text, size_t at) const;
  // The first token at or after `searched`, which moves past it, with the white space that its lstrip and rstrip take;
  // lstrip takes nothing before `from`. The match may begin before `from`, where white space that rstrip took is a token too.
  std::optional<AddedMatch> find(std::string_view text, size_t from, bool parseSpecial, size_t& searched) const;

 private:
  std::string_view content(uint32_t i) const;
  // The longest token at `at`, as its index.
  std::optional<uint32_t> longestAt(std::string_view text, size_t at) const;
  bool isWordBefore(std::string_view text, size_t end) const;
  bool isWordAt(std::string_view text, size_t at) const;

  const plan::AddedTokens* tokens_;
  uint32_t count_;
  std::optional<Dfa> word_;
  std::array<uint32_t, 257> firstByte_{};  // tokens that start with byte b: [firstByte_[b], firstByte_[b + 1])
};

}  // namespace ingot::text
