// Decoding piece by piece: equal to the whole at every length, and what spaces_between_special_tokens leaves out.
#include <gtest/gtest.h>

#include <random>

#include "compiler/text/tokenizer_json.h"
#include "runtime/text/tokenizer/stream_decoder.h"
#include "tests/unit/compiler_text/fixtures.h"

namespace ingot {
namespace {

class Streamed : public FixtureTokenizer {};

// For any ids, and wherever they end: the pieces joined are the decode of the whole, and each is whole characters.
TEST_P(Streamed, PiecesJoinedAreTheWhole) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<int32_t> ids(random() % 12);
    for (int32_t& id : ids) id = static_cast<int32_t>(random() % static_cast<uint32_t>(tokenizer().vocabSize()));
    bool skip = trial & 1;
    text::StreamDecoder decoder(tokenizer(), skip);
    std::string joined;
    for (int32_t id : ids) {
      std::string piece;
      decoder.push(id, piece);
      EXPECT_TRUE(isValidUtf8(piece));
      joined += piece;
    }
    decoder.flush(joined);
    EXPECT_EQ(joined, *tokenizer().decode(ids, skip));
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Streamed, testing::ValuesIn(fixtureNames()), [](const auto& info) { return info.param; });

TEST(StreamDecoder, WithoutSpacesBetweenSpecialTokens) {
  auto json = *parseTextJson(R"({"model":{"type":"WordLevel","vocab":{"a":0,"b":1},"unk_token":"a"},"added_tokens":[
      {"id":2,"content":"<x>","special":true,"normalized":false},{"id":3,"content":"<y>","special":true,"normalized":false}]})",
                             "t.json");
  auto bytes = *readTokenizerJson(json, "t.json", [](const std::string&) {})->serialize();
  auto tokenizer = *text::Tokenizer::open(bytes);
  auto decoded = [&](bool skip, bool spaces) {
    std::string text;
    text::StreamDecoder decoder(tokenizer, skip, spaces);
    for (int32_t id : {0, 2, 3, 1, 2, 2, 0}) decoder.push(id, text);
    decoder.flush(text);
    return text;
  };
  EXPECT_EQ(decoded(false, true), "a <x> <y> b <x> <x> a");
  EXPECT_EQ(decoded(false, false), "a <x><y> b <x><x> a");
  EXPECT_EQ(decoded(true, false), "a b a");
}

}  // namespace
}  // namespace ingot
