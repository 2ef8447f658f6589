// Conversations -> prompts, with an artifact's templates or one from the caller. Knows no requests.
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

// Logically immutable and thread-safe. Templates are compiled on first use, so that opening a model costs nothing.
class ChatRenderer {
 public:
  // Copies the templates; does not refer to the plan.
  static Result<ChatRenderer> open(const plan::Text& text);
  ChatRenderer() = default;

  bool hasTemplate() const { return !names_.empty(); }
  // The prompt's text, including special tokens. invalidInput: the template, or transformers, would refuse, with its message.
  Result<std::string> render(const Conversation& conversation, const ChatOptions& options) const;

 private:
  Result<text::Template> templateFor(const ChatOptions& options, bool hasTools) const;
  Result<text::Template> compiled(const std::string& name, const std::string& source) const;

  // Compiled templates, by source. Shared by copies.
  struct Cache {
    std::mutex mutex;
    std::vector<std::pair<std::string, text::Template>> entries;
  };
  std::vector<std::string> names_, sources_;
  std::vector<std::pair<std::string, std::string>> specialTokens_;
  std::shared_ptr<Cache> cache_ = std::make_shared<Cache>();
};

}  // namespace ingot
