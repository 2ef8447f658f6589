// Patterns -> automata: the same matches as a backtracking engine of the leftmost-first kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/text/tables.h"
#include "runtime/text/tokenizer/dfa.h"

namespace ingot {
namespace {

std::vector<std::string> matches(const char* pattern, std::string_view text) {
  TokenizerTables tables;
  tables.tokenAt(0).flags = 1;
  SplitStep step;
  step.pattern.regex = *parseRegex(pattern);
  tables.splits.push_back(std::move(step));
  tables.decoders.push_back({.kind = plan_text::DecodeKind::join});
  auto bytes = *tables.serialize();
  text::Dfa dfa(plan_text::GetTokenizer(bytes.data())->dfas()->Get(0));
  std::vector<std::string> found;
  size_t at = 0, last = text::Dfa::kNone;
  for (size_t end; (end = dfa.find(text, at, last)) != text::Dfa::kNone; at = last = end) found.emplace_back(text.substr(at, end - at));
  return found;
}

using testing::ElementsAre;

TEST(Regex, PrefersTheFirstAlternative) {
  EXPECT_THAT(matches("a|ab", "abab"), ElementsAre("a", "a"));
  EXPECT_THAT(matches("ab|a", "aba"), ElementsAre("ab", "a"));
  EXPECT_THAT(matches("a+?b*", "aabb"), ElementsAre("a", "abb"));
  EXPECT_THAT(matches("\\p{N}{1,3}", "12345"), ElementsAre("123", "45"));
}

TEST(Regex, LooksAheadOneCodePoint) {
  EXPECT_THAT(matches("\\s+(?!\\S)|\\s+", "a   b  "), ElementsAre("  ", " ", "  "));
  EXPECT_THAT(matches("\\s+$", "a  b \n"), ElementsAre(" \n"));
  EXPECT_THAT(matches("(?=[ab])\\w", "xaby"), ElementsAre("a", "b"));
}

TEST(Regex, IgnoresCaseAsTheReferenceDoes) { EXPECT_THAT(matches("(?i:'s)", "'s 'S '\xc5\xbf"), ElementsAre("'s", "'S", "'\xc5\xbf")); }

TEST(Regex, WordsAreOnigurumas) {
  EXPECT_THAT(matches("\\w", "\xc2\xb2"), ElementsAre("\xc2\xb2"));  // superscript two, outside brackets alone
  EXPECT_THAT(matches("[\\w]", "\xc2\xb2"), ElementsAre());
  EXPECT_THAT(matches("\\w", "\xe2\x80\x8d"), ElementsAre());                             // a joiner is none
  EXPECT_THAT(matches("\\p{Han}", "\xf0\xae\xaf\xb0"), ElementsAre("\xf0\xae\xaf\xb0"));  // new in Unicode 15.1
}

TEST(Regex, ALongRunThatFailsIsReadOnce) {
  std::string text(1 << 20, ' ');
  text += 'x';
  EXPECT_THAT(matches(" +y", text), ElementsAre());  // quadratic, this would not end
}

TEST(Regex, RefusesWhatNoAutomatonDoes) {
  for (const char* pattern : {"(a)\\1", "(?<=a)b", "a(?=bc)", "(", "[a", "\\p{Nonsense}", "a{2000}", "^a"}) {
    auto parsed = parseRegex(pattern);
    auto status = parsed.ok() ? compileRegex(**parsed, pattern).status() : parsed.status();
    EXPECT_FALSE(status.ok()) << pattern;
  }
}

}  // namespace
}  // namespace ingot
