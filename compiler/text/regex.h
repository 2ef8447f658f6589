// Regular expressions of pre-tokenizers (Oniguruma's syntax, as far as tokenizers use it) -> automata of the runtime.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/text/code_points.h"

namespace ingot {

// A pattern's syntax tree.
struct RegexNode {
  enum class Kind { empty, set, sequence, choice, repeat, look };
  Kind kind = Kind::empty;
  icu::UnicodeSet set;      // of set; of look: what may follow
  bool endAllowed = false;  // look: the end of the text may follow
  int low = 0, high = -1;   // repeat; -1 is no limit
  bool greedy = true;
  std::vector<std::unique_ptr<RegexNode>> children;
};

// Errors name the pattern, the place and what is not supported.
Result<std::unique_ptr<RegexNode>> parseRegex(std::string_view pattern);
// The pattern that matches `text` as it is.
std::unique_ptr<RegexNode> literalRegex(std::string_view text);
// One code point of a set.
std::unique_ptr<RegexNode> setRegex(icu::UnicodeSet set);

// The tables of plan::Dfa.
struct DfaTables {
  uint8_t classes = 0, start = 0;
  std::vector<uint8_t> ascii, blockClasses;
  std::vector<uint16_t> blocks;
  std::vector<uint32_t> transitions;
};

// Leftmost-first, as a backtracking engine chooses: determinises ordered lists of threads (R. Cox, "Regular expression
// matching: the virtual machine approach"), cut behind the first that matches. A look-ahead is one code point at the end
// of an alternative: its match is known one code point later. `pattern` is for messages.
Result<DfaTables> compileRegex(const RegexNode& root, std::string_view pattern);

}  // namespace ingot
