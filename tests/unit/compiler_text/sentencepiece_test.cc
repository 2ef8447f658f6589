// tokenizer.model of SentencePiece, built here field by field; comparisons with the library are in golden_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "compiler/text/sentencepiece_model.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kMark[] = "\xe2\x96\x81";

// Protobuf's wire format, of numbers below 128 and texts shorter than that.
std::string number(int field, int value) { return {static_cast<char>(field << 3), static_cast<char>(value)}; }
std::string bytes(int field, const std::string& text) {
  return std::string{static_cast<char>(field << 3 | 2), static_cast<char>(text.size())} + text;
}
std::string piece(const std::string& text, float score, int type = 1) {
  std::string value(4, 0);
  std::memcpy(value.data(), &score, 4);
  return bytes(1, bytes(1, text) + std::string(1, static_cast<char>(2 << 3 | 5)) + value + number(3, type));
}

const std::string kSpecial = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
const std::string kBpe = bytes(2, number(3, 2)), kAllSpaces = bytes(3, number(4, 0));

std::string refusal(const std::string& model) { return std::string(readSentencePiece(model, TextJson()).status().message()); }

class Model {
 public:
  Model(const std::string& model, const TextJson& config)
      : bytes_(*readSentencePiece(model, config)->serialize()), tokenizer_(*text::Tokenizer::open(bytes_)) {}

  std::vector<int32_t> encode(const std::string& text, text::EncodeOptions options = {.add_special_tokens = false}) const {
    std::vector<int32_t> ids;
    text::EncodeScratch scratch;
    tokenizer_.encode(text, options, scratch, ids);
    return ids;
  }

 private:
  std::vector<std::byte> bytes_;
  text::Tokenizer tokenizer_;
};

TEST(SentencePiece, RefusesWhatTheLibraryRefuses) {
  EXPECT_THAT(refusal(""), HasSubstr("no pieces"));
  EXPECT_THAT(refusal(piece("a", 0)), HasSubstr("0 unknown pieces"));
  EXPECT_THAT(refusal(kSpecial + piece("a", 0) + piece("a", -1)), HasSubstr("piece 4: \"a\" stands twice"));
  EXPECT_THAT(refusal(kSpecial + piece("<0x00>", 0, 6)), HasSubstr("1 byte pieces, expected none or 256"));
  EXPECT_THAT(refusal(kSpecial + bytes(2, number(3, 3))), HasSubstr("model_type 3"));
  EXPECT_THAT(refusal(kSpecial + bytes(5, bytes(2, "x"))), HasSubstr("denormalizer_spec: precompiled_charsmap"));
}

TEST(SentencePiece, SpecialTokensInATextAreTokensOrText) {
  Model model(kSpecial + piece("<", -1) + piece("s", -2) + piece(">", -3) + piece(kMark, -4) + kBpe, TextJson());
  EXPECT_THAT(model.encode("<s>"), ElementsAre(1));
  EXPECT_THAT(model.encode("<s>", {.add_special_tokens = false, .parse_special = false}), ElementsAre(6, 3, 4, 5));
}

TEST(SentencePiece, TheSpaceBeforeTheTextIsBeforeEveryPartOrTheFirst) {
  const std::string pieces = kSpecial + piece("a", -1) + piece(kMark, -2) + piece(std::string(kMark) + "a", -3) + kBpe + kAllSpaces;
  EXPECT_THAT(Model(pieces, TextJson()).encode("a</s>a"), ElementsAre(5, 2, 5));
  Model later(pieces, {{"legacy", false}});
  EXPECT_THAT(later.encode("a</s>a</s> a"), ElementsAre(5, 2, 3, 2, 5));
  EXPECT_THAT(later.encode(" a"), ElementsAre(5));
  EXPECT_THAT(later.encode("</s>a"), ElementsAre(2, 3));
}

TEST(SentencePiece, AnUnusedPieceFallsBackIntoItsParts) {
  const std::string pieces =
      kSpecial + piece("a", -10) + piece("b", -11) + piece("c", -12) + piece("ab", -1, 5) + piece("abc", -2, 5) + kBpe + bytes(3, number(3, 0));
  EXPECT_THAT(Model(pieces, TextJson()).encode("abcab"), ElementsAre(3, 4, 5, 3, 4));
}

}  // namespace
}  // namespace ingot
