// A request in progress: its outputs' sequences, their tokens and text so far, and how each ends.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "runtime/base/request.h"
#include "runtime/engine/output_text.h"
#include "runtime/sample/logprobs.h"
#include "runtime/sample/processors.h"
#include "runtime/sample/sampler.h"
#include "runtime/sched/scheduler.h"

namespace ingot {

// Properties of the model that all requests share. Immutable.
struct RequestContext {
  const text::Tokenizer* tokenizer = nullptr;  // null: token ids only
  GenerationDefaults defaults;
  int32_t vocab = 0;
  int32_t maxLen = 0;
  int32_t primaryEos = -1;  // ends an output without a stop_reason
};

// One of a request's n outputs. Thread-compatible.
class Output {
 public:
  Output(const RequestContext& context, const SamplingParams& params, const SamplerSettings& settings, const LogitRules& rules,
         std::span<const int32_t> prompt, int index, uint64_t seed);

  // Samples the next token from its logits row, which it changes, and records it. If the rules leave no token, there is none and the output ends
  // with "error".
  std::optional<int32_t> sample(std::span<float> logits, SamplerScratch& scratch);
  // Settings for sampling token `position` of the output on the device, after the edits that collectEdits() appends. It is the next token or the one
  // after it.
  int32_t numAllowed() const { return static_cast<int32_t>(rules_.allowed.size()); }
  std::optional<int> logprobs() const { return params_.logprobs; }
  IngotSampling sampling(int position) const;
  void collectEdits(int position, std::vector<IngotEdit>& edits) const { collectEditsOfAllowed(rules_, settings_, history_, position, edits); }
  // Records a token that the device sampled, like sample(); -1: there is none. Reads `logprobs` only if sampling() asks for them.
  std::optional<int32_t> takeDrawn(int32_t token, const IngotLogprobs& logprobs);
  bool finished() const { return !completion.finish_reason.empty(); }
  void abort();
  // The growth since the last call, for streaming callbacks.
  CompletionOutput takeDelta();

  CompletionOutput completion;

 private:
  int nextPosition() const { return static_cast<int>(completion.token_ids.size()); }
  void take(int32_t token);
  std::optional<int32_t> endWithoutToken();
  void end(const char* reason);
  void addLogprobs(std::span<const TokenLogprob> logprobs);
  bool stopsAt(int32_t token);

  const RequestContext& context_;
  const SamplingParams& params_;
  SamplerSettings settings_;
  const LogitRules& rules_;
  TokenHistory history_;
  std::optional<OutputText> text_;
  uint64_t seed_;
  int32_t maxOutput_;
  size_t deltaTokens_ = 0, deltaLogprobs_ = 0;
};

// A prompt and its outputs.
struct Request {
  SamplingParams params;
  SamplerSettings settings;
  LogitRules rules;
  RequestOutput output;  // filled in progress; its `outputs` at the end
  std::vector<std::unique_ptr<Output>> outputs;
  std::chrono::steady_clock::time_point arrived;
  double firstTokenSeconds = 0;
  size_t unfinished = 0;
};

// Validates and prepares a request; `index` is the prompt's index in the call.
Result<std::unique_ptr<Request>> makeRequest(const RequestContext& context, const Prompt& prompt, const SamplingParams& params, int index);

// Adds the text of each id.
LogprobMap describeLogprobs(const RequestContext& context, std::span<const TokenLogprob> logprobs);

}  // namespace ingot
