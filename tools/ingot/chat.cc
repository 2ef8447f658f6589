// ingot chat: a message, a file of conversations, or a session at the terminal.
#include <unistd.h>

#include <iostream>

#include "tools/cli/terminal.h"
#include "tools/ingot/chat_flags.h"
#include "tools/ingot/chat_session.h"
#include "tools/ingot/commands.h"
#include "tools/ingot/output.h"
#include "tools/ingot/sampling_flags.h"

namespace ingot::cli {
namespace {

struct ChatCommandFlags {
  ModelFlags model;
  ChatFlags chat;
  SamplingFlags sampling;
  std::string message, system;
  bool json = false;
};

Result<int> chat(const ChatCommandFlags& flags) {
  INGOT_ASSIGN(ChatOptions options, flags.chat.options());
  std::vector<Conversation> conversations;
  if (!flags.chat.messages.empty()) {
    INGOT_ASSIGN(conversations, flags.chat.conversations());
  }
  INGOT_ASSIGN(auto engine, flags.model.open());
  SamplingParams defaults = engine->defaultSamplingParams();
  if (!engine->limitsNewTokens()) defaults.max_tokens.reset();  // an answer ends by itself
  INGOT_ASSIGN(SamplingParams params, flags.sampling.apply(std::move(defaults)));
  std::string message = flags.message;
  if (conversations.empty() && message.empty()) {
    if (isatty(STDIN_FILENO)) return ChatSession(*engine, params, options, flags.system).run();
    message = readAll(std::cin);
  }
  if (conversations.empty()) {
    Conversation one;
    if (!flags.system.empty()) one.push_back({"system", flags.system});
    one.push_back({"user", message});
    conversations.push_back(std::move(one));
  }
  INGOT_TRY(runAndPrint(conversations.size(), flags.json, params, engine->hasTokenizer(),
                        [&](const StreamCallback& callback) { return engine->chat(conversations, {params}, options, callback); }));
  return kDone;
}

}  // namespace

Command chatCommand(CLI::App& app) {
  auto flags = std::make_shared<ChatCommandFlags>();
  CLI::App* command = app.add_subcommand("chat", "Talk with a model; without MESSAGE, at the terminal.");
  flags->model.addTo(*command);
  command->add_option("message", flags->message, "what the user says");
  command->add_option("--system", flags->system, "the system message");
  command->add_flag("--json", flags->json, "one JSON object a conversation");
  flags->chat.addTo(*command);
  flags->sampling.addTo(*command);
  return {command, [flags] {
            auto status = chat(*flags);
            return status.ok() ? *status : fail(kTool, status.status());
          }};
}

}  // namespace ingot::cli
