// Flags that chat and render share: where messages, tools and the template come from.
#pragma once

#include "runtime/engine/engine.h"
#include "tools/ingot/model.h"

namespace ingot::cli {

struct ChatFlags {
  std::string messages, tools, chatTemplate, kwargs, documents;
  bool noGenerationPrompt = false, continueFinalMessage = false;

  void addTo(CLI::App& app);
  Result<ChatOptions> options() const;
  // The file of --messages: one conversation, or a list of them.
  Result<std::vector<Conversation>> conversations() const;
};

}  // namespace ingot::cli
