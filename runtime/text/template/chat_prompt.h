// A conversation -> prompt text, exactly as transformers' apply_chat_template(tokenize=False) makes it, and before that,
// for chat in the manner of vLLM, the conversation as vLLM hands it to transformers.
//
// The text holds the template's own special tokens: tokenize it without adding any (so there is never a second BOS).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/text/template/template.h"

namespace ingot::text {

// What one prompt is made of. Thread-compatible.
class ChatInput {
 public:
  // A JSON list of messages. Required, and not empty.
  Status setMessages(std::string_view json) { return setText(messages_, "messages", json); }
  Status setMessagesDocument(const nlohmann::ordered_json& json) { return setDocument(messages_, "messages", json); }
  // JSON lists of objects; null or not set: None in the template.
  Status setTools(std::string_view json) { return setText(tools_, "tools", json); }
  Status setToolsDocument(const nlohmann::ordered_json& json) { return setDocument(tools_, "tools", json); }
  Status setDocuments(std::string_view json) { return setText(documents_, "documents", json); }
  Status setDocumentsDocument(const nlohmann::ordered_json& json) { return setDocument(documents_, "documents", json); }
  // chat_template_kwargs: a JSON object; every name in it reaches the template, and wins over a special token.
  Status setKwargs(std::string_view json) { return setText(kwargs_, "chat_template_kwargs", json); }
  Status setKwargsDocument(const nlohmann::ordered_json& json) { return setDocument(kwargs_, "chat_template_kwargs", json); }
  // bos_token, eos_token, ... and their texts.
  void addSpecialToken(std::string_view name, std::string_view token) { specialTokens_.emplace_back(name, token); }

  bool add_generation_prompt = false;
  // Leaves the last message open. Not together with add_generation_prompt.
  bool continue_final_message = false;
  std::string continue_field = "content";  // which of its fields

  bool hasTools() const { return !tools_.is(Tag::none); }
  bool hasMessages() const { return messages_.is(Tag::list) && messages_.list->size > 0; }

 private:
  friend class ChatPreparation;
  friend class ChatAdaptation;
  Status setText(Value& slot, std::string_view name, std::string_view json);
  Status setDocument(Value& slot, std::string_view name, const nlohmann::ordered_json& json);

  Arena arena_;
  Value messages_ = makeNone(), tools_ = makeNone(), documents_ = makeNone(), kwargs_ = makeNone();
  std::vector<std::pair<std::string, std::string>> specialTokens_;
};

// Changes the messages as vLLM's chat does before the template sees them: content as one text or as typed parts, by `format`;
// arguments of tool calls that are JSON texts become objects; the fields that messages may have; `developer` messages become
// `system` where the template doesn't know them. Parts other than text are unsupported here. invalidArgument names the message.
Status adaptConversation(ChatInput& input, const Template& compiled, ContentFormat format);

// As transformers: keys whose value is null go; reasoning is given under the names that templates read; tools, documents and
// special tokens are defined; the final message is continued when asked. Refuses what transformers refuses, with its message:
// "ValueError: ...". `error` gets its parts.
Result<std::string> renderChat(const Template& compiled, const ChatInput& input, const RenderLimits& limits = {}, RenderError* error = nullptr);

// Which of a checkpoint's named templates: `wanted` when not empty, else tool_use when there are tools, else default.
Result<size_t> chooseTemplate(std::span<const std::string> names, std::string_view wanted, bool hasTools);

}  // namespace ingot::text
