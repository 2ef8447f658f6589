#include "runtime/engine/chat.h"

#include <nlohmann/json.hpp>

#include "runtime/engine/parts.h"
#include "runtime/text/template/chat_prompt.h"
#include "runtime/text/template/json_read.h"

namespace ingot {
namespace {

constexpr size_t kCachedTemplates = 8;

// A JSON list of the messages, written so that numbers keep their digits.
std::string messagesOf(const Conversation& conversation) {
  std::string json = "[";
  for (const ChatMessage& message : conversation) {
    if (json.size() > 1) json += ',';
    json += !message.json.empty() ? message.json
                                  : nlohmann::ordered_json{{"role", message.role}, {"content", message.content}}.dump(
                                        -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  return json + "]";
}

// The elements of a list as substrings, so that numbers keep their digits. `json` is a valid list.
std::vector<std::string_view> elementsOf(std::string_view json) {
  std::vector<std::string_view> elements;
  size_t depth = 0, begin = 0;
  for (size_t at = 0; at < json.size(); ++at) {
    char c = json[at];
    if (c == '"') {
      while (json[++at] != '"')
        if (json[at] == '\\') ++at;
    } else if (c == '[' || c == '{') {
      if (++depth == 1) begin = at + 1;
    } else if (c == ']' || c == '}' || c == ',') {
      if (depth == 1) {
        elements.push_back(json.substr(begin, at - begin));
        begin = at + 1;
      }
      if (c != ',') --depth;
    }
  }
  return elements;
}

// `list` was parsed from `json`.
Result<Conversation> conversationOf(std::string_view json, const text::Value& list, const std::string& where) {
  if (!list.is(text::Tag::list)) return Status::invalidInput("{}: expected a list of messages, or a list of such lists", where);
  Conversation conversation;
  if (list.list->size == 0) return conversation;
  std::vector<std::string_view> messages = elementsOf(json);
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!list.list->items[i].is(text::Tag::dict))
      return Status::invalidInput("{}: a message is {}, expected an object with a role", where, messages[i].substr(0, 60));
    conversation.push_back({.role = {}, .content = {}, .json = std::string(messages[i])});
  }
  return conversation;
}

// Errors of a template or its input are errors in the input, not misuse of the API.
Status asInput(const Status& status) {
  return status.code() == StatusCode::invalidArgument ? Status(StatusCode::invalidInput, status.message()) : status;
}

Result<text::ContentFormat> formatOf(const ChatOptions& options, const text::Template& compiled) {
  const std::string& name = options.chat_template_content_format;
  if (name == "auto") return compiled.contentFormat();
  if (name == "string") return text::ContentFormat::string;
  if (name == "openai") return text::ContentFormat::openai;
  return Status::invalidArgument("chat_template_content_format is \"{}\", expected auto, string or openai", name);
}

}  // namespace

Result<std::vector<Conversation>> readConversations(std::string_view text, const std::string& where) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text::Arena arena;
  auto read = text::readJson(text, arena);
  if (!read.ok()) return Status(read.status()).at(where);
  const text::Value& json = *read;
  bool many = json.is(text::Tag::list) && json.list->size > 0 && json.list->items[0].is(text::Tag::list);
  std::vector<Conversation> conversations;
  if (!many) {
    INGOT_ASSIGN(Conversation conversation, conversationOf(text, json, where));
    conversations.push_back(std::move(conversation));
    return conversations;
  }
  std::vector<std::string_view> lists = elementsOf(text);
  for (size_t i = 0; i < lists.size(); ++i) {
    INGOT_ASSIGN(Conversation conversation, conversationOf(lists[i], json.list->items[i], where));
    conversations.push_back(std::move(conversation));
  }
  return conversations;
}

Result<ChatRenderer> ChatRenderer::open(const plan::Text& text) {
  ChatRenderer renderer;
  if (text.chat_templates())
    for (const auto* one : *text.chat_templates()) {
      if (!one->name() || !one->source()) return Status::invalidArtifact("a chat template has no name or no source");
      renderer.names_.push_back(one->name()->str());
      renderer.sources_.push_back(one->source()->str());
    }
  if (const auto* tokens = text.special_tokens())
    for (flatbuffers::uoffset_t i = 0; i + 1 < tokens->size(); i += 2)
      renderer.specialTokens_.emplace_back(tokens->Get(i)->str(), tokens->Get(i + 1)->str());
  return renderer;
}

Result<text::Template> ChatRenderer::compiled(const std::string& name, const std::string& source) const {
  std::lock_guard lock(cache_->mutex);
  for (const auto& [known, compiled] : cache_->entries)
    if (known == source) return compiled;
  INGOT_ASSIGN(text::Template compiled, text::Template::compile(source, name));
  if (cache_->entries.size() == kCachedTemplates) cache_->entries.erase(cache_->entries.begin());
  cache_->entries.emplace_back(source, compiled);
  return compiled;
}

Result<text::Template> ChatRenderer::templateFor(const ChatOptions& options, bool hasTools) const {
  if (!options.chat_template.empty()) return compiled("chat_template", options.chat_template);
  if (names_.empty()) return Status::unsupported("this model has no chat template; give one with --chat-template (ChatOptions::chat_template)");
  INGOT_ASSIGN(size_t index, text::chooseTemplate(names_, {}, hasTools));
  return compiled(names_[index], sources_[index]);
}

Result<std::string> ChatRenderer::render(const Conversation& conversation, const ChatOptions& options) const {
  text::ChatInput input;
  INGOT_TRY(asInput(input.setMessages(messagesOf(conversation))));
  if (!options.tools.empty()) INGOT_TRY(asInput(input.setTools(options.tools)));
  if (!options.documents.empty()) INGOT_TRY(asInput(input.setDocuments(options.documents)));
  if (!options.chat_template_kwargs.empty()) INGOT_TRY(asInput(input.setKwargs(options.chat_template_kwargs)));
  for (const auto& [name, token] : specialTokens_) input.addSpecialToken(name, token);
  input.add_generation_prompt = options.add_generation_prompt;
  input.continue_final_message = options.continue_final_message;
  auto chosen = templateFor(options, input.hasTools());
  if (!chosen.ok()) return asInput(chosen.status());
  INGOT_ASSIGN(text::ContentFormat format, formatOf(options, *chosen));
  INGOT_TRY(asInput(adaptConversation(input, *chosen, format)));
  auto prompt = renderChat(*chosen, input);
  if (!prompt.ok()) return asInput(prompt.status());
  return prompt;
}

Result<std::string> Engine::render(const Conversation& conversation, const ChatOptions& options) const {
  return parts_->chat.render(conversation, options);
}

Result<std::vector<RequestOutput>> Engine::chat(const std::vector<Conversation>& conversations, const std::vector<SamplingParams>& params,
                                                const ChatOptions& options, const StreamCallback& callback) {
  std::vector<Prompt> prompts;
  for (size_t i = 0; i < conversations.size(); ++i) {
    auto text = render(conversations[i], options);
    if (!text.ok()) return conversations.size() == 1 ? text.status() : text.status().at(fmt::format("conversation {}", i));
    // The template wrote the special tokens: none are added.
    INGOT_ASSIGN(auto ids, encode(*text, /*addSpecialTokens=*/false));
    Prompt prompt(std::move(ids));
    prompt.text = std::move(text).value();
    prompts.push_back(std::move(prompt));
  }
  return generate(prompts, params, callback);
}

}  // namespace ingot
