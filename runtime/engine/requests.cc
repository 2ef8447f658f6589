#include "runtime/engine/requests.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "runtime/sample/random.h"

namespace ingot {
namespace {

// Instead of std::random_device, which needs a newer C library than everything else when the C++ library is linked statically.
uint64_t unforeseenSeed() {
  uint64_t seed = 0;
  (void)!getentropy(&seed, sizeof(seed));
  return seed;
}

Status encodePrompt(const RequestContext& context, const Prompt& prompt, RequestOutput& output) {
  output.prompt = prompt.text;
  if (!prompt.token_ids.empty()) {
    output.prompt_token_ids = prompt.token_ids;
    for (int32_t id : prompt.token_ids)
      if (id < 0 || id >= context.vocab) return Status::invalidArgument("prompt_token_ids has {}, expected ids from 0 to {}", id, context.vocab - 1);
  } else {
    if (!context.tokenizer) return Status::invalidArgument("the prompt is a text, and this model was compiled without a tokenizer; give token ids");
    text::EncodeScratch scratch;
    context.tokenizer->encode(prompt.text, {}, scratch, output.prompt_token_ids);
  }
  if (output.prompt_token_ids.empty()) return Status::invalidArgument("the prompt is empty, expected at least one token");
  if (static_cast<int64_t>(output.prompt_token_ids.size()) >= context.maxLen)
    return Status::invalidArgument("the prompt has {} tokens, this model takes at most {} with one left to generate", output.prompt_token_ids.size(),
                                   context.maxLen - 1);
  return {};
}

// bad_words are masked both as at a text's start and as after a space, like in vLLM.
Status encodeBadWords(const RequestContext& context, const SamplingParams& params, LogitRules& rules) {
  if (params.bad_words.empty()) return {};
  if (!context.tokenizer) return Status::invalidArgument("bad_words needs a tokenizer, and this model was compiled without one");
  text::EncodeScratch scratch;
  for (const auto& word : params.bad_words) {
    std::vector<int32_t> plain, spaced;
    std::string trimmed = word.substr(word.find_first_not_of(' ') == std::string::npos ? 0 : word.find_first_not_of(' '));
    context.tokenizer->encode(trimmed, {.add_special_tokens = false}, scratch, plain);
    context.tokenizer->encode(" " + trimmed, {.add_special_tokens = false}, scratch, spaced);
    if (plain.empty()) return Status::invalidArgument("bad_words has \"{}\", which has no tokens", word);
    rules.badWords.push_back(plain);
    // The spelling after a space counts only if it has as many tokens: otherwise the space is a separate token.
    if (!spaced.empty() && spaced.front() != plain.front() && spaced.size() == plain.size()) rules.badWords.push_back(spaced);
  }
  return {};
}

Status makeRules(const RequestContext& context, const SamplingParams& params, LogitRules& rules) {
  if (params.allowed_token_ids) {
    std::set<int32_t> allowed(params.allowed_token_ids->begin(), params.allowed_token_ids->end());
    rules.allowed.assign(allowed.begin(), allowed.end());
  }
  for (auto [id, bias] : params.logit_bias) rules.bias.emplace_back(id, std::clamp(bias, -100.0f, 100.0f));
  rules.minTokens = params.min_tokens;
  rules.stopIds = params.stop_token_ids;
  for (int32_t id : context.defaults.eos_token_ids)
    if (id < context.vocab) rules.stopIds.push_back(id);
  return encodeBadWords(context, params, rules);
}

// Refuses rules that mask every token from the start.
Status checkRules(const RequestContext& context, const LogitRules& rules) {
  if (rules.allowed.empty() && rules.badWords.empty()) return {};
  std::vector<float> logits(static_cast<size_t>(context.vocab));
  std::vector<IngotEdit> edits;
  applyAllowed(rules, logits);
  collectEdits(rules, {}, TokenHistory(context.vocab, {}, false), 0, edits);
  applyEdits(edits, logits);
  if (argmax(logits) >= 0) return {};
  return Status::invalidArgument("allowed_token_ids, bad_words and min_tokens leave no token, expected at least one to generate");
}

Logprob describeLogprob(const RequestContext& context, const TokenLogprob& one) {
  std::string text;
  // A model may have more logits than its tokenizer has ids; those have no text.
  if (context.tokenizer && one.id < context.tokenizer->vocabSize()) {
    auto decoded = context.tokenizer->decode(std::span(&one.id, 1), false);
    if (decoded.ok()) text = std::move(decoded).value();
  }
  return {one.logprob, one.rank, std::move(text)};
}

}  // namespace

LogprobMap describeLogprobs(const RequestContext& context, std::span<const TokenLogprob> logprobs) {
  LogprobMap map;
  for (const TokenLogprob& one : logprobs) map[one.id] = describeLogprob(context, one);
  return map;
}

Output::Output(const RequestContext& context, const SamplingParams& params, const SamplerSettings& settings, const LogitRules& rules,
               std::span<const int32_t> prompt, int index, uint64_t seed)
    : context_(context), params_(params), settings_(settings), rules_(rules), history_(context.vocab, prompt, settings.penalises()), seed_(seed) {
  completion.index = index;
  int32_t room = context.maxLen - static_cast<int32_t>(prompt.size());
  maxOutput_ = std::min(room, params.max_tokens.value_or(room));
  if (params.logprobs) {
    completion.logprobs.emplace();
    completion.cumulative_logprob = 0;
  }
  if (context.tokenizer && params.detokenize) text_.emplace(*context.tokenizer, params);
}

std::optional<int32_t> Output::sample(std::span<float> logits, SamplerScratch& scratch) {
  std::span<const float> raw = logits;  // log-probabilities are of the unedited logits
  scratch.edits.clear();
  ingot::collectEdits(rules_, settings_, history_, nextPosition(), scratch.edits);
  if (params_.logprobs && (!scratch.edits.empty() || !rules_.allowed.empty())) {
    scratch.raw.assign(logits.begin(), logits.end());
    raw = scratch.raw;
  }
  applyAllowed(rules_, logits);
  applyEdits(scratch.edits, logits);
  int32_t token = draw(sampling(nextPosition()), logits, scratch);
  if (token < 0) return endWithoutToken();
  if (params_.logprobs) addLogprobs(topLogprobs(raw, token, *params_.logprobs, scratch));
  take(token);
  return token;
}

IngotSampling Output::sampling(int position) const {
  IngotSampling sampling = samplingOf(settings_, uniform(seed_, static_cast<uint32_t>(completion.index), static_cast<uint32_t>(position)));
  if (params_.logprobs) sampling.logprobs = *params_.logprobs + 1;
  sampling.own = -1;
  sampling.num_allowed = numAllowed();
  sampling.looks_back = position > nextPosition() && lookBack(rules_, settings_);
  return sampling;
}

std::optional<int32_t> Output::takeDrawn(int32_t token, const IngotLogprobs& logprobs) {
  if (token < 0) return endWithoutToken();
  if (params_.logprobs) addLogprobs(topLogprobs(logprobs, token));
  take(token);
  return token;
}

std::optional<int32_t> Output::endWithoutToken() {
  if (text_) text_->finish(false);
  end("error");
  return std::nullopt;
}

void Output::addLogprobs(std::span<const TokenLogprob> logprobs) {
  *completion.cumulative_logprob += logprobs.front().logprob;
  completion.logprobs->push_back(describeLogprobs(context_, logprobs));
}

// Whether `token` ends the output, as EOS or as a stop id; sets the reason.
bool Output::stopsAt(int32_t token) {
  if (static_cast<int>(completion.token_ids.size()) < params_.min_tokens) return false;
  if (std::find(params_.stop_token_ids.begin(), params_.stop_token_ids.end(), token) != params_.stop_token_ids.end()) {
    completion.stop_reason = token;
    return true;
  }
  if (params_.ignore_eos) return false;
  const auto& eos = context_.defaults.eos_token_ids;
  if (std::find(eos.begin(), eos.end(), token) == eos.end()) return false;
  if (token != context_.primaryEos) completion.stop_reason = token;
  return true;
}

void Output::take(int32_t token) {
  history_.append(token);
  completion.token_ids.push_back(token);
  bool stops = stopsAt(token);
  bool checks = static_cast<int>(completion.token_ids.size()) > params_.min_tokens;
  const std::string* stop = nullptr;
  // The text of a stop id itself is shown only on request.
  if (text_ && (!stops || params_.include_stop_str_in_output)) stop = text_->push(token, checks);
  bool full = static_cast<int32_t>(completion.token_ids.size()) >= maxOutput_;
  if (text_ && !stop && (stops || full)) stop = text_->finish(checks && !stops);
  if (stop) completion.stop_reason = *stop;
  if (stop || stops) end("stop");
  else if (full) end("length");
}

void Output::end(const char* reason) {
  completion.finish_reason = reason;
  if (text_) completion.text = text_->text();
}

void Output::abort() {
  if (finished()) return;
  if (text_) text_->finish(false);
  end("abort");
}

CompletionOutput Output::takeDelta() {
  CompletionOutput delta;
  delta.index = completion.index;
  delta.token_ids.assign(completion.token_ids.begin() + static_cast<std::ptrdiff_t>(deltaTokens_), completion.token_ids.end());
  deltaTokens_ = completion.token_ids.size();
  if (completion.logprobs) {
    delta.logprobs.emplace(completion.logprobs->begin() + static_cast<std::ptrdiff_t>(deltaLogprobs_), completion.logprobs->end());
    deltaLogprobs_ = completion.logprobs->size();
  }
  if (text_) delta.text = text_->takeCertain();
  delta.cumulative_logprob = completion.cumulative_logprob;
  delta.finish_reason = completion.finish_reason;
  delta.stop_reason = completion.stop_reason;
  return delta;
}

Result<std::unique_ptr<Request>> makeRequest(const RequestContext& context, const Prompt& prompt, const SamplingParams& params, int index) {
  auto request = std::make_unique<Request>();
  INGOT_TRY(validate(params, context.vocab));
  if (!params.stop.empty() && !context.tokenizer)
    return Status::invalidArgument("stop needs a tokenizer, and this model was compiled without one; use stop_token_ids");
  request->params = params;
  request->settings = resolve(params, context.defaults);
  request->output.request_id = std::to_string(index);
  INGOT_TRY(encodePrompt(context, prompt, request->output));
  INGOT_TRY(makeRules(context, params, request->rules));
  INGOT_TRY(checkRules(context, request->rules));
  if (params.n > 1 && request->settings.greedy()) return Status::invalidArgument("n is {}, expected 1 for greedy sampling (temperature 0)", params.n);
  bool isSeeded = params.seed && *params.seed != -1;
  uint64_t seed = isSeeded ? static_cast<uint64_t>(*params.seed) : unforeseenSeed();
  for (int i = 0; i < params.n; ++i)
    request->outputs.push_back(
        std::make_unique<Output>(context, request->params, request->settings, request->rules, request->output.prompt_token_ids, i, seed));
  request->unfinished = request->outputs.size();
  request->arrived = std::chrono::steady_clock::now();
  return request;
}

}  // namespace ingot
