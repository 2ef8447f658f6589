// Conversations -> prompts, with an artifact's templates or one that the caller brings. Knows no requests.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/format/plan_generated.h"
#include "runtime/text/template/template.h"

namespace ingot {

// A JSON list of messages, or a list of such lists, as conversations. invalidInput names `where`.
Result<std::vector<Conversation>> readConversations(std::string_view json, const std::string& where);

// Immutable to its users and thread-safe. A template is compiled when it is first used: opening a model costs nothing.
class ChatRenderer {
 public:
  // Copies what it needs of the plan.
  static Result<ChatRenderer> open(const plan::Text& text);
  ChatRenderer() = default;

  bool hasTemplate() const { return !names_.empty(); }
  // The prompt's text, with its special tokens in it. invalidInput: what the template, or transformers, refuses, in its words.
  Result<std::string> render(const Conversation& conversation, const ChatOptions& options) const;

 private:
  Result<text::Template> templateFor(const ChatOptions& options, bool hasTools) const;
  Result<text::Template> compiled(const std::string& name, const std::string& source) const;

  // Templates that were compiled before, by source. Shared by copies.
  struct Cache {
    std::mutex mutex;
    std::vector<std::pair<std::string, text::Template>> entries;
  };
  std::vector<std::string> names_, sources_;
  std::vector<std::pair<std::string, std::string>> specialTokens_;
  std::shared_ptr<Cache> cache_ = std::make_shared<Cache>();
};

}  // namespace ingot
