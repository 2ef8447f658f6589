// Ingot for C++: open a compiled model, generate and chat. Names and meaning follow vLLM's LLM class.
//
//   ingot::LLM llm("model.ingot");
//   for (const auto& out : llm.generate({"Hello, my name is"}, {.temperature = 0})) std::cout << out.outputs[0].text << '\n';
//
// Every call has a form that throws ingot::Error and one, with `try` in front, that returns a Result and never throws.
#pragma once

#include <concepts>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/request.h"
#include "runtime/base/status.h"
#include "runtime/engine/engine.h"

namespace ingot {

// A Status as an exception. what() is its message.
class Error : public std::runtime_error {
 public:
  explicit Error(const Status& status) : std::runtime_error(status.message()), code_(status.code()) {}
  StatusCode code() const { return code_; }

 private:
  StatusCode code_;
};

namespace detail {

template <class T>
T valueOrThrow(Result<T> result) {
#if defined(__cpp_exceptions)
  if (!result.ok()) throw Error(result.status());
#else
  if (!result.ok()) std::abort();  // a program without exceptions calls the forms that return a Result
#endif
  return std::move(result).value();
}

}  // namespace detail

// One prompt or many: a text, token ids, or lists of either.
class Prompts {
 public:
  Prompts(const char* text) : list_{Prompt(text)} {}
  Prompts(std::string text) : list_{Prompt(std::move(text))} {}
  Prompts(Prompt prompt) : list_{std::move(prompt)} {}
  Prompts(std::vector<int32_t> tokenIds) : list_{Prompt(std::move(tokenIds))} {}
  Prompts(std::initializer_list<int32_t> tokenIds) : list_{Prompt(std::vector<int32_t>(tokenIds))} {}
  Prompts(std::initializer_list<Prompt> prompts) : list_(prompts) {}
  Prompts(std::vector<Prompt> prompts) : list_(std::move(prompts)) {}
  Prompts(const std::vector<std::string>& texts) : list_(texts.begin(), texts.end()) {}
  Prompts(const std::vector<std::vector<int32_t>>& lists) : list_(lists.begin(), lists.end()) {}
  const std::vector<Prompt>& list() const { return list_; }

 private:
  std::vector<Prompt> list_;
};

// A compiled model, ready to run. Move-only. Thread-safe: calls of several threads take turns.
class LLM {
 public:
  // Throws Error when the file is missing, damaged or not for this machine.
  explicit LLM(const std::string& path, const EngineOptions& options = {}) : engine_(detail::valueOrThrow(Engine::open(path, options))) {}
  static Result<LLM> open(const std::string& path, const EngineOptions& options = {}) {
    auto engine = Engine::open(path, options);
    if (!engine.ok()) return engine.status();
    return LLM(std::move(engine).value());
  }

  // Continues prompts; outputs come in the order of the prompts. `callback`, if any, gets what is new as it comes.
  std::vector<RequestOutput> generate(const Prompts& prompts, const SamplingParams& params = {}, const StreamCallback& callback = {}) {
    return detail::valueOrThrow(tryGenerate(prompts, params, callback));
  }
  // One SamplingParams for each prompt.
  std::vector<RequestOutput> generate(const Prompts& prompts, const std::vector<SamplingParams>& params, const StreamCallback& callback = {}) {
    return detail::valueOrThrow(engine_->generate(prompts.list(), params, callback));
  }
  Result<std::vector<RequestOutput>> tryGenerate(const Prompts& prompts, const SamplingParams& params = {}, const StreamCallback& callback = {}) {
    return engine_->generate(prompts.list(), {params}, callback);
  }

  // Answers one conversation.
  std::vector<RequestOutput> chat(const Conversation& conversation, const SamplingParams& params = {}, const ChatOptions& options = {},
                                  const StreamCallback& callback = {}) {
    return detail::valueOrThrow(tryChat(conversation, params, options, callback));
  }
  // Answers many conversations, side by side.
  template <std::same_as<std::vector<Conversation>> Conversations>
  std::vector<RequestOutput> chat(const Conversations& conversations, const SamplingParams& params = {}, const ChatOptions& options = {},
                                  const StreamCallback& callback = {}) {
    return detail::valueOrThrow(engine_->chat(conversations, {params}, options, callback));
  }
  Result<std::vector<RequestOutput>> tryChat(const Conversation& conversation, const SamplingParams& params = {}, const ChatOptions& options = {},
                                             const StreamCallback& callback = {}) {
    return engine_->chat({conversation}, {params}, options, callback);
  }

  // SamplingParams as the checkpoint's generation_config.json wants them.
  SamplingParams get_default_sampling_params() const { return engine_->defaultSamplingParams(); }
  // Everything else, in Result form: render(), encode(), decode(), cancel(), stats().
  Engine& engine() { return *engine_; }

 private:
  explicit LLM(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
  std::unique_ptr<Engine> engine_;
};

// The text of a chat template: of a file if `pathOrText` names one, else the argument itself.
std::string load_chat_template(const std::string& pathOrText);

}  // namespace ingot
