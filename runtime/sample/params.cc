#include "runtime/sample/params.h"

#include <algorithm>
#include <cmath>

namespace ingot {
namespace {

constexpr int kMaxOutputs = 16384;
constexpr float kGreedyBelow = 1e-5f, kLowestTemperature = 0.01f;

template <class T>
Status outside(std::string_view field, T value, std::string_view range) {
  return Status::invalidArgument("{} is {}, expected {}", field, value, range);
}

Status checkIds(std::string_view field, const std::vector<int32_t>& ids, int32_t vocab) {
  for (int32_t id : ids)
    if (id < 0 || id >= vocab) return outside(field, id, fmt::format("token ids from 0 to {}", vocab - 1));
  return {};
}

Status checkNumbers(const SamplingParams& p) {
  auto within = [](float value, float low, float high) { return value >= low && value <= high; };  // false for NaN
  if (!within(p.presence_penalty, -2, 2)) return outside("presence_penalty", p.presence_penalty, "-2 to 2");
  if (!within(p.frequency_penalty, -2, 2)) return outside("frequency_penalty", p.frequency_penalty, "-2 to 2");
  if (p.repetition_penalty && !(*p.repetition_penalty > 0 && std::isfinite(*p.repetition_penalty)))
    return outside("repetition_penalty", *p.repetition_penalty, "a finite number over 0");
  if (p.temperature && !(*p.temperature >= 0 && std::isfinite(*p.temperature)))
    return outside("temperature", *p.temperature, "a finite number of at least 0");
  if (p.top_p && !(*p.top_p > 0 && *p.top_p <= 1)) return outside("top_p", *p.top_p, "over 0, up to 1");
  if (p.top_k && *p.top_k < -1) return outside("top_k", *p.top_k, "-1 (off), 0 (off) or more");
  if (p.min_p && !within(*p.min_p, 0, 1)) return outside("min_p", *p.min_p, "0 to 1");
  return {};
}

Status checkCounts(const SamplingParams& p, int32_t vocab, int maxLogprobs) {
  if (p.n < 1 || p.n > kMaxOutputs) return outside("n", p.n, fmt::format("1 to {}", kMaxOutputs));
  if (p.n > 1 && p.temperature && *p.temperature < kGreedyBelow) return outside("n", p.n, "1 for greedy sampling (temperature 0)");
  if (p.max_tokens && *p.max_tokens < 1) return outside("max_tokens", *p.max_tokens, "at least 1");
  if (p.min_tokens < 0) return outside("min_tokens", p.min_tokens, "at least 0");
  if (p.max_tokens && p.min_tokens > *p.max_tokens) return outside("min_tokens", p.min_tokens, fmt::format("at most max_tokens ({})", *p.max_tokens));
  for (auto [field, count] : {std::pair{"logprobs", p.logprobs}, std::pair{"prompt_logprobs", p.prompt_logprobs}}) {
    if (!count) continue;
    if (*count < -1) return outside(field, *count, "-1 (all) or more");
    int wanted = *count == -1 ? vocab : *count;
    if (*count != -1 && wanted > maxLogprobs) return outside(field, *count, fmt::format("at most {}, or -1 for all", maxLogprobs));
  }
  return {};
}

}  // namespace

Status validate(const SamplingParams& p, int32_t vocab, int maxLogprobs) {
  INGOT_TRY(checkNumbers(p));
  INGOT_TRY(checkCounts(p, vocab, maxLogprobs));
  for (const auto& text : p.stop)
    if (text.empty()) return Status::invalidArgument("stop has an empty string, expected texts of at least one byte");
  if (!p.stop.empty() && !p.detokenize) return Status::invalidArgument("stop is given and detokenize is false, expected detokenize for stop strings");
  for (const auto& text : p.bad_words)
    if (text.empty()) return Status::invalidArgument("bad_words has an empty string, expected texts of at least one byte");
  INGOT_TRY(checkIds("stop_token_ids", p.stop_token_ids, vocab));
  if (p.allowed_token_ids) {
    if (p.allowed_token_ids->empty()) return Status::invalidArgument("allowed_token_ids is empty, expected at least one id");
    INGOT_TRY(checkIds("allowed_token_ids", *p.allowed_token_ids, vocab));
  }
  for (const auto& [id, bias] : p.logit_bias) {
    INGOT_TRY(checkIds("logit_bias", {id}, vocab));
    if (std::isnan(bias)) return outside("logit_bias", bias, "a number");
  }
  return {};
}

SamplerSettings resolve(const SamplingParams& p, const GenerationDefaults& defaults) {
  SamplerSettings s;
  s.temperature = p.temperature.value_or(defaults.temperature.value_or(1));
  s.topP = p.top_p.value_or(defaults.top_p.value_or(1));
  s.topK = std::max(0, p.top_k.value_or(defaults.top_k.value_or(0)));
  s.minP = p.min_p.value_or(defaults.min_p.value_or(0));
  s.repetitionPenalty = p.repetition_penalty.value_or(defaults.repetition_penalty.value_or(1));
  s.presencePenalty = p.presence_penalty;
  s.frequencyPenalty = p.frequency_penalty;
  if (s.temperature < kGreedyBelow) {
    s.temperature = 0;
    s.topP = 1;
    s.topK = 0;
    s.minP = 0;
  } else {
    s.temperature = std::max(s.temperature, kLowestTemperature);
  }
  return s;
}

}  // namespace ingot
