// Text of an output as it grows: stop strings held back exactly as long as needed, special tokens skipped or not, spaces between them.
#include "runtime/engine/output_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/text/tokenizer_json.h"

namespace ingot {
namespace {

using testing::ElementsAre;

// A letter is a token, and "<x>" and "<y>" are special ones; with spaces between them, or without.
class OutputTexts : public testing::Test {
 protected:
  void open(const char* decoder) {
    std::string json = R"({"model":{"type":"WordLevel","vocab":{"a":0,"b":1,"c":2,"d":3},"unk_token":"a"},"added_tokens":[
        {"id":4,"content":"<x>","special":true,"normalized":false},{"id":5,"content":"<y>","special":true,"normalized":false}])";
    json += decoder + std::string("}");
    bytes_ = *readTokenizerJson(*parseTextJson(json, "t.json"), "t.json", [](const std::string&) {})->serialize();
    tokenizer_.emplace(*text::Tokenizer::open(bytes_));
  }

  // What may be shown after each letter, and after the end unless a stop string ended the text; which one did.
  std::vector<std::string> shown(const std::string& letters, const SamplingParams& params) {
    OutputText text(*tokenizer_, params);
    std::vector<std::string> pieces;
    const std::string* stop = nullptr;
    for (char letter : letters) {
      stop = text.push(letter == 'x' ? 4 : letter == 'y' ? 5 : letter - 'a', true);
      pieces.push_back(text.takeCertain());
      if (stop) break;
    }
    if (!stop) stop = text.finish(true);
    if (!stop || !text.takeCertain().empty()) pieces.push_back("end");
    stop_ = stop ? *stop : "";
    text_ = text.text();
    return pieces;
  }

  std::vector<std::byte> bytes_;
  std::optional<text::Tokenizer> tokenizer_;
  std::string stop_, text_;
};

constexpr const char* kJoined = R"(,"decoder":{"type":"Fuse"})";

TEST_F(OutputTexts, StopStringsAreHeldBackAsLongAsNeeded) {
  open(kJoined);
  SamplingParams params;
  params.stop = {"abc", "bd"};
  EXPECT_THAT(shown("caabbdc", params), ElementsAre("c", "", "a", "", "ab", ""));  // "a", "ab" and "b" may all go on to a stop
  EXPECT_EQ(stop_, "bd");
  EXPECT_EQ(text_, "caab");
  params.include_stop_str_in_output = true;
  EXPECT_THAT(shown("dabc", params), ElementsAre("d", "", "", "abc"));
  EXPECT_EQ(stop_, "abc");
  params.stop.clear();
  EXPECT_THAT(shown("ab", params), ElementsAre("a", "b", "end"));
}

TEST_F(OutputTexts, WhatWasHeldBackIsShownAtTheEnd) {
  open(kJoined);
  SamplingParams params;
  params.stop = {"bcd"};
  EXPECT_THAT(shown("abc", params), ElementsAre("a", "", "", "end"));
  EXPECT_EQ(text_, "abc");
  EXPECT_EQ(stop_, "");
}

TEST_F(OutputTexts, TheStopThatEndsFirstWins) {
  open(kJoined);
  SamplingParams params;
  params.stop = {"abcd", "bc"};
  shown("abcd", params);
  EXPECT_EQ(stop_, "bc");
  EXPECT_EQ(text_, "a");
}

TEST_F(OutputTexts, SpacesBetweenSpecialTokens) {
  open("");
  SamplingParams params;
  auto text = [&] { return shown("axybxxa", params), text_; };
  EXPECT_EQ(text(), "a b a");
  params.skip_special_tokens = false;
  EXPECT_EQ(text(), "a <x> <y> b <x> <x> a");
  params.spaces_between_special_tokens = false;
  EXPECT_EQ(text(), "a <x><y> b <x><x> a");
}

}  // namespace
}  // namespace ingot
