// Conversations as files give them, and prompts of a model's templates.
#include "runtime/engine/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/text/tokenizer_json.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

using testing::HasSubstr;

ChatRenderer rendererOf(const std::vector<std::pair<std::string, std::string>>& templates) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<plan::ChatTemplate>> all;
  for (const auto& [name, source] : templates) all.push_back(plan::CreateChatTemplateDirect(builder, name.c_str(), source.c_str()));
  auto special = builder.CreateVectorOfStrings({"bos_token", "<s>"});
  builder.Finish(plan::CreateText(builder, -1, builder.CreateVector(all), 0, 0, special));
  return *ChatRenderer::open(*flatbuffers::GetRoot<plan::Text>(builder.GetBufferPointer()));
}

std::string rendered(const ChatRenderer& renderer, std::string_view messages, const ChatOptions& options = {}) {
  auto conversations = readConversations(messages, "m");
  if (!conversations.ok()) return conversations.status().message();
  auto text = renderer.render(conversations->at(0), options);
  return text.ok() ? *text : text.status().message();
}

TEST(Conversations, NumbersKeepTheirDigits) {
  auto renderer = rendererOf({{"default", "{{ messages[0] | tojson }}"}});
  for (const char* messages :
       {R"([{"role": "assistant", "content": "x", "tool_calls": [{"function": {"arguments": {"n": 123456789012345678901234567890}}}]}])",
        R"([[{"role": "assistant", "content": "x", "tool_calls": [{"function": {"arguments": {"n": 123456789012345678901234567890}}}]}]])"})
    EXPECT_THAT(rendered(renderer, messages), HasSubstr(R"({"n": 123456789012345678901234567890})"));
}

TEST(Conversations, AreReadAsTheyAreWritten) {
  auto two = readConversations("\xef\xbb\xbf [[{\"role\": \"user\", \"content\": \"[\\\"{,\\\\\"}, {\"a\": [1, {}]}],\n [], [{}]] ", "m");
  ASSERT_TRUE(two.ok()) << two.status().message();
  ASSERT_EQ(two->size(), 3u);
  ASSERT_EQ(two->at(0).size(), 2u);
  EXPECT_EQ(two->at(0)[0].json, R"({"role": "user", "content": "[\"{,\\"})");
  EXPECT_EQ(two->at(0)[1].json, R"( {"a": [1, {}]})");
  EXPECT_TRUE(two->at(1).empty());
  EXPECT_EQ(two->at(2).size(), 1u);
  EXPECT_TRUE(readConversations("[]", "m")->at(0).empty());
}

TEST(Conversations, SayWhatIsWrong) {
  auto refused = [](std::string_view text) {
    auto status = readConversations(text, "m.json").status();
    EXPECT_EQ(status.code(), StatusCode::invalidInput);
    return status.message();
  };
  EXPECT_EQ(refused("[{]"), "m.json: JSON, byte 2: expected a key in double quotes");
  EXPECT_EQ(refused("{}"), "m.json: expected a list of messages, or a list of such lists");
  EXPECT_EQ(refused("[5]"), "m.json: a message is 5, expected an object with a role");
  EXPECT_EQ(refused("[[{}], 5]"), "m.json: expected a list of messages, or a list of such lists");
  EXPECT_THAT(refused(std::string(1000, '[')), HasSubstr("nested more than"));
}

constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}{% if add_generation_prompt %}<bot>{% endif %}";

TEST(Prompts, ContinueTheFinalMessage) {
  ChatOptions options;
  options.add_generation_prompt = false;
  options.continue_final_message = true;
  auto renderer = rendererOf({{"default", kTemplate}});
  const char* messages = R"([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Once"}])";
  EXPECT_EQ(rendered(renderer, messages, options), "<s><user>hi<end><assistant>Once");
  options.add_generation_prompt = true;
  EXPECT_THAT(rendered(renderer, messages, options), HasSubstr("not compatible"));
}

TEST(Prompts, TemplatesAreChosenByToolsAndReplacedByTheCaller) {
  auto renderer = rendererOf({{"default", "plain"}, {"tool_use", "tools"}});
  const char* messages = R"([{"role": "user", "content": "hi"}])";
  ChatOptions options;
  EXPECT_EQ(rendered(renderer, messages, options), "plain");
  options.tools = R"([{"type": "function", "function": {"name": "f"}}])";
  EXPECT_EQ(rendered(renderer, messages, options), "tools");
  options.chat_template = "mine";
  EXPECT_EQ(rendered(renderer, messages, options), "mine");
}

// The template wrote it; the tokenizer, which would add it to plain text, adds none when a prompt is encoded as chat does.
TEST(Prompts, HaveOneBos) {
  auto json =
      *parseTextJson(R"({"model":{"type":"WordLevel","vocab":{"hi":0},"unk_token":"hi"},"added_tokens":[{"id":1,"content":"<s>","special":true}],
      "pre_tokenizer":{"type":"Whitespace"},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
      {"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}})",
                     "t.json");
  auto bytes = *readTokenizerJson(json, "t.json", [](const std::string&) {})->serialize();
  auto tokenizer = *text::Tokenizer::open(bytes);
  auto renderer = rendererOf({{"default", "{{ bos_token }}{{ messages[0].content }}"}});
  std::vector<int32_t> ids;
  text::EncodeScratch scratch;
  tokenizer.encode(rendered(renderer, R"([{"role": "user", "content": "hi"}])"), {.add_special_tokens = false}, scratch, ids);
  EXPECT_THAT(ids, testing::ElementsAre(1, 0));
  ids.clear();
  tokenizer.encode("hi", {}, scratch, ids);
  EXPECT_THAT(ids, testing::ElementsAre(1, 0));
}

}  // namespace
}  // namespace ingot
