#include "tools/ingot/chat_flags.h"

#include <nlohmann/json.hpp>

namespace ingot::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<Json> parse(const std::string& text, const std::string& where) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    return Status::invalidInput("{}: is not valid JSON: {}", where, error.what());
  }
}

Result<Conversation> conversationOf(const Json& json, const std::string& where) {
  if (!json.is_array()) return Status::invalidInput("{}: expected a list of messages, or a list of such lists", where);
  Conversation conversation;
  for (const Json& message : json) {
    if (!message.is_object()) return Status::invalidInput("{}: a message is {}, expected an object with a role", where, message.dump().substr(0, 60));
    conversation.push_back({.role = {}, .content = {}, .json = message.dump()});
  }
  return conversation;
}

}  // namespace

void ChatFlags::addTo(CLI::App& app) {
  app.add_option("--messages", messages, "JSON file: a list of messages, or a list of conversations; - is standard input");
  app.add_option("--tools", tools, "JSON file: the tools the model may call");
  app.add_option("--documents", documents, "JSON file: documents for the template");
  app.add_option("--chat-template", chatTemplate, "a template file, used instead of the model's own");
  app.add_option("--kwargs", kwargs, "JSON object: further variables of the template");
  app.add_flag("--no-generation-prompt", noGenerationPrompt, "do not open the assistant's turn");
  app.add_flag("--continue-final-message", continueFinalMessage, "leave the last message open; implies --no-generation-prompt");
}

Result<ChatOptions> ChatFlags::options() const {
  ChatOptions options;
  if (!tools.empty()) {
    INGOT_ASSIGN(options.tools, readInput(tools));
  }
  if (!documents.empty()) {
    INGOT_ASSIGN(options.documents, readInput(documents));
  }
  if (!chatTemplate.empty()) {
    INGOT_ASSIGN(options.chat_template, readInput(chatTemplate));
  }
  options.chat_template_kwargs = kwargs;
  options.continue_final_message = continueFinalMessage;
  options.add_generation_prompt = !noGenerationPrompt && !continueFinalMessage;
  return options;
}

Result<std::vector<Conversation>> ChatFlags::conversations() const {
  INGOT_ASSIGN(std::string text, readInput(messages));
  INGOT_ASSIGN(Json json, parse(text, messages));
  std::vector<Conversation> result;
  if (json.is_array() && !json.empty() && json[0].is_array()) {
    for (const Json& one : json) {
      INGOT_ASSIGN(Conversation conversation, conversationOf(one, messages));
      result.push_back(std::move(conversation));
    }
    return result;
  }
  INGOT_ASSIGN(Conversation conversation, conversationOf(json, messages));
  result.push_back(std::move(conversation));
  return result;
}

}  // namespace ingot::cli
