#include "tools/ingot/sampling_flags.h"

#include <charconv>

namespace ingot::cli {
namespace {

// ID=BIAS or ID:BIAS.
Status parseBias(const std::string& text, std::map<int32_t, float>& out) {
  auto at = text.find_first_of("=:");
  int32_t id = 0;
  float bias = 0;
  const char *begin = text.data(), *end = begin + text.size(), *split = begin + std::min(at, text.size());
  bool good = at != std::string::npos && std::from_chars(begin, split, id).ptr == split && std::from_chars(split + 1, end, bias).ptr == end &&
              split != begin && split + 1 != end;
  if (!good) return Status::invalidArgument("--logit-bias is \"{}\", expected ID=BIAS", text);
  out[id] = bias;
  return {};
}

}  // namespace

void SamplingFlags::addTo(CLI::App& app) {
  const std::string group = "Sampling (names and meaning as vLLM's SamplingParams)";
  auto one = [&](const char* name, auto& target, const char* help) { app.add_option(name, target, help)->group(group); };
  auto list = [&](const char* name, auto& target, const char* help) {
    return app.add_option(name, target, help)->group(group)->allow_extra_args(false);
  };
  one("--temperature", temperature_, "0 takes the likeliest token");
  one("--top-p", topP_, "likeliest tokens of this total probability");
  one("--top-k", topK_, "this many likeliest tokens; 0 or -1 for all");
  one("--min-p", minP_, "tokens of at least this share of the best one's probability");
  one("--max-tokens", maxTokens_, "new tokens, at most");
  one("--min-tokens", minTokens_, "new tokens before an end may come");
  one("--seed", seed_, "the same seed gives the same text");
  one("--n", n_, "outputs per prompt");
  one("--logprobs", logprobs_, "log-probabilities of the best N tokens; -1 for all");
  one("--prompt-logprobs", promptLogprobs_, "the same for the prompt's tokens");
  one("--presence-penalty", presence_, "-2 to 2");
  one("--frequency-penalty", frequency_, "-2 to 2");
  one("--repetition-penalty", repetition_, "over 0; 1 is none");
  list("--stop", stop_, "a text that ends the output; repeatable");
  list("--stop-token-ids", stopTokenIds_, "ids that end the output")->delimiter(',');
  list("--bad-words", badWords_, "a text that is never generated; repeatable");
  list("--allowed-token-ids", allowedTokenIds_, "only these ids")->delimiter(',');
  list("--logit-bias", logitBias_, "ID=BIAS,...")->delimiter(',');
  auto flag = [&](const char* name, std::optional<bool>& target, const char* help) {
    app.add_flag_function(name, [&target](int64_t value) { target = value > 0; }, help)->group(group);  // --name=false counts below 0
  };
  flag("--ignore-eos", ignoreEos_, "go on past the end-of-sequence token");
  flag("--skip-special-tokens", skipSpecialTokens_, "leave special tokens out of the text (default true)");
  flag("--include-stop-str-in-output", includeStop_, "keep the stop text");
  flag("--spaces-between-special-tokens", spaces_, "default true");
}

Result<SamplingParams> SamplingFlags::apply(SamplingParams params) const {
  auto set = [](auto& field, const auto& typed) {
    if (typed) field = *typed;
  };
  set(params.temperature, temperature_);
  set(params.top_p, topP_);
  set(params.top_k, topK_);
  set(params.min_p, minP_);
  set(params.max_tokens, maxTokens_);
  set(params.min_tokens, minTokens_);
  set(params.seed, seed_);
  set(params.n, n_);
  set(params.logprobs, logprobs_);
  set(params.prompt_logprobs, promptLogprobs_);
  set(params.presence_penalty, presence_);
  set(params.frequency_penalty, frequency_);
  set(params.repetition_penalty, repetition_);
  set(params.ignore_eos, ignoreEos_);
  set(params.skip_special_tokens, skipSpecialTokens_);
  set(params.include_stop_str_in_output, includeStop_);
  set(params.spaces_between_special_tokens, spaces_);
  params.stop = stop_;
  params.stop_token_ids = stopTokenIds_;
  params.bad_words = badWords_;
  if (!allowedTokenIds_.empty()) params.allowed_token_ids = allowedTokenIds_;
  for (const auto& text : logitBias_) INGOT_TRY(parseBias(text, params.logit_bias));
  return params;
}

}  // namespace ingot::cli
