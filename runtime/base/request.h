// What a caller asks and gets: SamplingParams, prompts, chat messages, RequestOutput. Field names, defaults and meaning
// are vLLM's ("Generative Models" and SamplingParams pages); a field that is absent here is not offered.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ingot {

// How one request is sampled. Plain data; validated before any work by validate() in sample/params.h.
// An empty optional of temperature, top_p, top_k, min_p or repetition_penalty takes the checkpoint's
// generation_config.json, then the default in the comment.
struct SamplingParams {
  int n = 1;                                // outputs per prompt, 1..16384
  float presence_penalty = 0;               // -2..2, per token that the output already has
  float frequency_penalty = 0;              // -2..2, per occurrence in the output
  std::optional<float> repetition_penalty;  // 1; > 0, over prompt and output
  std::optional<float> temperature;         // 1; 0 (< 1e-5) is greedy
  std::optional<float> top_p;               // 1; (0, 1]
  std::optional<int> top_k;                 // 0; 0 and -1 are off
  std::optional<float> min_p;               // 0; 0..1, of the best token's probability
  std::optional<int64_t> seed;              // empty or -1: a fresh one per request
  std::vector<std::string> stop;            // strings that end the text
  std::vector<int32_t> stop_token_ids;
  std::vector<std::string> bad_words;  // never generated
  std::optional<std::vector<int32_t>> allowed_token_ids;
  std::map<int32_t, float> logit_bias;  // clamped to -100..100
  bool include_stop_str_in_output = false;
  bool ignore_eos = false;
  std::optional<int> max_tokens = 16;  // empty: up to the context limit
  int min_tokens = 0;
  std::optional<int> logprobs;  // the best N and the chosen one; -1: all
  std::optional<int> prompt_logprobs;
  bool detokenize = true;
  bool skip_special_tokens = true;
  bool spaces_between_special_tokens = true;
};

struct Logprob {
  float logprob = 0;
  int rank = 0;  // 1 is the most likely
  std::string decoded_token;
};
using LogprobMap = std::map<int32_t, Logprob>;

// One of a request's `n` outputs.
struct CompletionOutput {
  int index = 0;
  std::string text;
  std::vector<int32_t> token_ids;
  std::optional<double> cumulative_logprob;
  std::optional<std::vector<LogprobMap>> logprobs;
  std::string finish_reason;                                       // "stop", "length", "abort", "error" (all tokens masked); empty while it runs
  std::variant<std::monostate, int32_t, std::string> stop_reason;  // the stop id or string; monostate: EOS or none
};

struct RequestMetrics {
  double time_to_first_token_s = 0;
  double time_per_output_token_s = 0;
};

// Everything known of a request. Given to a streaming callback, `text`, `token_ids` and `logprobs` hold what is new.
struct RequestOutput {
  std::string request_id;
  std::string prompt;
  std::vector<int32_t> prompt_token_ids;
  std::optional<std::vector<std::optional<LogprobMap>>> prompt_logprobs;  // the first entry is empty
  std::vector<CompletionOutput> outputs;
  bool finished = false;
  int num_cached_tokens = 0;
  RequestMetrics metrics;
};

// A text, or its token ids.
struct Prompt {
  std::string text;
  std::vector<int32_t> token_ids;  // used instead of the text when not empty
  Prompt() = default;
  Prompt(std::string text) : text(std::move(text)) {}
  Prompt(const char* text) : text(text) {}
  Prompt(std::vector<int32_t> token_ids) : token_ids(std::move(token_ids)) {}
};

}  // namespace ingot
