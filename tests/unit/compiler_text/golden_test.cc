// Small vocabularies of every kind: ids and texts are exactly the reference's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/text/tokenizer/stream_decoder.h"
#include "tests/unit/compiler_text/fixtures.h"

namespace ingot {
namespace {

class GoldenTokenizer : public FixtureTokenizer {
 protected:
  // "raw": special tokens in the text are text.
  void checkText(const TextJson& goal) {
    const std::pair<const char*, text::EncodeOptions> kinds[] = {
        {"ids", {}}, {"plain", {.add_special_tokens = false}}, {"raw", {.add_special_tokens = false, .parse_special = false}}};
    for (const auto& [key, options] : kinds) {
      if (!goal.contains(key)) continue;
      std::vector<int32_t> ids;
      tokenizer().encode(goal["text"].get<std::string>(), options, scratch_, ids);
      EXPECT_EQ(ids, goal[key].get<std::vector<int32_t>>()) << goal["text"];
    }
  }

  void check(const TextJson& goal) {
    if (goal.contains("text")) return checkText(goal);
    auto ids = goal["ids"].get<std::vector<int32_t>>();
    auto text = tokenizer().decode(ids, false), skipped = tokenizer().decode(ids, true);
    ASSERT_TRUE(text.ok() && skipped.ok());
    if (goal.contains("decoded")) {
      EXPECT_EQ(*text, goal["decoded"].get<std::string>());
    }
    EXPECT_EQ(*skipped, goal["skipped"].get<std::string>());
    // Piece by piece: whole characters only, and the same text.
    std::string streamed;
    text::StreamDecoder decoder(tokenizer(), false);
    for (int32_t id : ids) {
      decoder.push(id, streamed);
      EXPECT_TRUE(isValidUtf8(streamed));
    }
    decoder.flush(streamed);
    EXPECT_EQ(streamed, *text);
  }

  text::EncodeScratch scratch_;
};

TEST_P(GoldenTokenizer, MatchesTheReference) {
  std::ifstream cases(kFixtureFolder / (GetParam() + ".cases"));
  int count = 0;
  for (std::string line; std::getline(cases, line); ++count) check(TextJson::parse(line));
  EXPECT_GT(count, 100);
}

// Damaged tables are refused or harmless: what is opened encodes and decodes without reading outside them.
TEST_P(GoldenTokenizer, DamagedTablesDoNoHarm) {
  uint64_t state = 88172645463325252ull;
  auto next = [&] { return state ^= state << 13, state ^= state >> 7, state ^= state << 17; };
  for (int trial = 0; trial < 40; ++trial) {
    auto damaged = tables();
    for (int i = 0; i < 4; ++i) damaged[next() % damaged.size()] = static_cast<std::byte>(next());
    auto tokenizer = text::Tokenizer::open(damaged);
    if (!tokenizer.ok()) continue;
    std::vector<int32_t> ids;
    tokenizer->encode("Hello \xe4\xbd\xa0\xe5\xa5\xbd 123 <s> \xc3\xa9tag3", {}, scratch_, ids);
    auto text = tokenizer->decode(ids, false);
    (void)text.ok();
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, GoldenTokenizer, testing::ValuesIn(fixtureNames()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ingot
