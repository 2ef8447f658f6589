// Conversations: as transformers renders them (chat_goldens.json), and as vLLM changes them before.
#include "runtime/text/template/chat_prompt.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace ingot::text {
namespace {

using Json = nlohmann::ordered_json;

void fill(ChatInput& input, const Json& chat) {
  auto text = [&](const char* name) { return chat.contains(name) ? chat[name].get<std::string>() : "null"; };
  ASSERT_TRUE(input.setMessages(text("messages")).ok());
  ASSERT_TRUE(input.setTools(text("tools")).ok());
  ASSERT_TRUE(input.setDocuments(text("documents")).ok());
  ASSERT_TRUE(input.setKwargs(text("kwargs")).ok());
  input.add_generation_prompt = chat.value("add_generation_prompt", false);
  if (!chat.contains("continue_final_message")) return;
  input.continue_final_message = true;
  if (chat["continue_final_message"].is_string()) input.continue_field = chat["continue_final_message"].get<std::string>();
}

TEST(ChatPrompt, EqualsTransformers) {
  std::ifstream file(INGOT_SOURCE_DIR "/tests/golden/templates/chat_goldens.json");
  Json goldens = Json::parse(file);
  for (size_t t = 0; t < goldens["templates"].size(); ++t) {
    auto compiled = Template::compile(goldens["templates"][t].get<std::string>(), "t");
    ASSERT_TRUE(compiled.ok()) << compiled.status().message();
    for (size_t i = 0; i < goldens["conversations"].size(); ++i) {
      const Json &chat = goldens["conversations"][i], &expected = goldens["expected"][i][t];
      SCOPED_TRACE(chat["name"].get<std::string>());
      ChatInput input;
      fill(input, chat);
      for (const auto& [name, token] : goldens["special_tokens"].items()) input.addSpecialToken(name, token.get<std::string>());
      RenderError error;
      auto text = renderChat(*compiled, input, {}, &error);
      if (expected.contains("text")) {
        EXPECT_EQ(text.ok() ? *text : error.message, expected["text"].get<std::string>());
      } else {
        EXPECT_FALSE(text.ok());
        EXPECT_EQ(error.kind + ": " + error.message, expected["kind"].get<std::string>() + ": " + expected["error"].get<std::string>());
      }
    }
  }
}

std::string rendered(std::string_view source, std::string_view messages, bool adapt = false, void (*change)(ChatInput&) = nullptr) {
  auto compiled = Template::compile(source, "t");
  ChatInput input;
  if (auto status = input.setMessages(messages); !status.ok()) return status.message();
  if (change != nullptr) change(input);
  if (adapt)
    if (auto status = adaptConversation(input, *compiled, compiled->contentFormat()); !status.ok()) return status.message();
  auto text = renderChat(*compiled, input);
  return text.ok() ? *text : text.status().message();
}

TEST(ChatPrompt, RefusesWhatTransformersRefuses) {
  EXPECT_EQ(rendered("", "[]"), "ValueError: Cannot apply chat template to an empty conversation. Provide at least one message.");
  EXPECT_EQ(rendered("", "[5]"), "TypeError: Chat messages should be dicts, dataclasses or pydantic models, but got 5.");
  EXPECT_EQ(rendered("", R"([{}])", false, [](ChatInput& input) { input.add_generation_prompt = input.continue_final_message = true; }).substr(0, 70),
            "ValueError: continue_final_message and add_generation_prompt are not c");
  EXPECT_EQ(rendered("", R"([{}])", false, [](ChatInput& input) { (void)input.setTools("[1]"); }).substr(0, 43),
            "ValueError: Tools should either be a JSON s");
  EXPECT_EQ(rendered("", R"([{}])", false, [](ChatInput& input) { (void)input.setDocuments("[1]"); }),
            "TypeError: Documents should be a list of dicts with 'title' and 'text' keys!");
}

TEST(ChatPrompt, KwargsWinOverSpecialTokensAndToolsAreAlwaysDefined) {
  auto kwargs = [](ChatInput& input) {
    input.addSpecialToken("bos_token", "<s>");
    input.addSpecialToken("eos_token", "</s>");
    (void)input.setKwargs(R"({"bos_token": "B", "extra": [1]})");
  };
  EXPECT_EQ(rendered("{{ bos_token }}{{ eos_token }}{{ extra }}{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}", "[{}]", false,
                     kwargs),
            "B</s>[1]TrueTrueFalse");
}

constexpr std::string_view kShow = "{% for message in messages %}{{ message }}\n{% endfor %}";
constexpr std::string_view kShowParts = "{% for message in messages %}{% for c in message.content %}{{ c }};{% endfor %}{% endfor %}";

TEST(AdaptConversation, JoinsTextParts) {
  EXPECT_EQ(
      rendered(
          kShow,
          R"([{"role": "user", "content": [{"type": "text", "text": "a"}, "b", {"type": "input_text", "text": ""}, {"type": "refusal", "refusal": "c"}]}])",
          true),
      "{'role': 'user', 'content': 'a\\nb\\nc'}\n");
  EXPECT_EQ(rendered(kShow, R"([{"role": "user", "content": null, "other": 1, "name": "n"}])", true),
            "{'role': 'user', 'content': '', 'name': 'n'}\n");
}

TEST(AdaptConversation, WrapsTextsAsParts) {
  EXPECT_EQ(
      rendered(kShowParts,
               R"([{"role": "user", "content": "a"}, {"role": "user", "content": ["b", {"type": "text", "text": "c", "cache_control": 1}]}])", true),
      "{'type': 'text', 'text': 'a'};{'type': 'text', 'text': 'b'};{'type': 'text', 'text': 'c', 'cache_control': 1};");
}

TEST(AdaptConversation, ParsesArgumentsOfToolCalls) {
  auto arguments = [](std::string_view json) {
    std::string message =
        R"([{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": )" + std::string(json) + "}}]}]";
    return rendered("{{ messages[0].tool_calls[0].function.arguments }}", message, true);
  };
  EXPECT_EQ(arguments(R"("{\"a\": 123456789012345678901}")"), "{'a': 123456789012345678901}");
  EXPECT_EQ(arguments(R"({"b": 2})"), "{'b': 2}");
  EXPECT_EQ(arguments(R"("")"), "{}");
  EXPECT_EQ(arguments("null"), "{}");
  EXPECT_EQ(arguments(R"("[1]")"), "{}");
  EXPECT_EQ(arguments(R"("{broken")"), "{}");
  EXPECT_EQ(rendered(kShow, R"([{"role": "assistant", "content": "x", "tool_calls": []}])", true), "{'role': 'assistant', 'content': 'x'}\n");
}

TEST(AdaptConversation, ToolResultsAndReasoning) {
  EXPECT_EQ(rendered(kShowParts,
                     R"([{"role": "tool", "tool_call_id": "7", "content": [{"type": "text", "text": "ab"}, {"type": "text", "text": "c"}]}])", true),
            "a;b;\n;c;");
  EXPECT_EQ(rendered("{{ messages[0].reasoning_content }}{{ messages[0].reasoning }}", R"([{"role": "assistant", "content": "x", "reasoning": "r"}])",
                     true),
            "rr");
}

TEST(AdaptConversation, DeveloperBecomesSystemWhereUnknown) {
  std::string messages =
      R"([{"role": "user", "content": "u"}, {"role": "developer", "content": "d", "tools": [1]}, {"role": "system", "content": "s"}])";
  EXPECT_EQ(rendered(kShow, messages, true), "{'role': 'system', 'content': 'd\\n\\ns'}\n{'role': 'user', 'content': 'u'}\n");
  EXPECT_EQ(rendered("{% if messages[1].role == 'developer' %}{{ messages[1].tools }}{% endif %}", messages, true), "[1]");
}

TEST(AdaptConversation, NamesTheMessageItRefuses) {
  EXPECT_EQ(rendered("", R"([{"role": "user", "content": "a"}, {"content": "b"}])", true), "messages[1]: role: expected a string");
  EXPECT_EQ(rendered("", R"([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}])", true).substr(0, 68),
            "messages[0]: content parts of type 'image_url' are not supported; su");
  EXPECT_EQ(rendered("", R"([{"role": "assistant", "tool_calls": [1]}])", true), "messages[0]: assistant tool_calls entries must be objects.");
}

TEST(ChooseTemplate, ByNameThenToolsThenDefault) {
  std::vector<std::string> names{"default", "rag", "tool_use"};
  EXPECT_EQ(*chooseTemplate(names, "", false), 0u);
  EXPECT_EQ(*chooseTemplate(names, "", true), 2u);
  EXPECT_EQ(*chooseTemplate(names, "rag", true), 1u);
  EXPECT_FALSE(chooseTemplate(names, "nope", false).ok());
  EXPECT_EQ(*chooseTemplate(std::vector<std::string>{"only"}, "", true), 0u);
  EXPECT_FALSE(chooseTemplate(std::vector<std::string>{"a", "b"}, "", false).ok());
}

}  // namespace
}  // namespace ingot::text
