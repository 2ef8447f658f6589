// The interactive chat: one conversation at a terminal. Ctrl-C stops the answer and not the program; Ctrl-D leaves.
#pragma once

#include "runtime/engine/engine.h"

namespace ingot::cli {

class ChatSession {
 public:
  ChatSession(Engine& engine, SamplingParams params, ChatOptions options, std::string system);
  // Reads lines until the user leaves; gives the exit status.
  int run();

 private:
  bool obey(const std::string& line);  // false: leave
  void answer(const std::string& text);
  void clear();
  void save(const std::string& path) const;
  void load(const std::string& path);
  void showStats() const;

  Engine& engine_;
  SamplingParams params_;
  ChatOptions options_;
  std::string system_;
  Conversation conversation_;
  RequestMetrics last_;
  size_t lastTokens_ = 0;
};

}  // namespace ingot::cli
