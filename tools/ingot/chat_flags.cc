#include "tools/ingot/chat_flags.h"

#include "runtime/engine/chat.h"

namespace ingot::cli {

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
  return readConversations(text, messages);
}

}  // namespace ingot::cli
