// Every field of SamplingParams at, and one step past, the ends of its range (vLLM's).
#include "runtime/sample/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ingot {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int32_t kVocab = 100;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

template <class Change>
Status validated(Change change) {
  SamplingParams params;
  change(params);
  return validate(params, kVocab);
}

template <class Change>
void refuses(const char* field, Change change) {
  Status status = validated(change);
  EXPECT_EQ(status.code(), StatusCode::invalidArgument) << field;
  EXPECT_THAT(status.message(), AllOf(HasSubstr(field), HasSubstr("expected")));
}

#define ACCEPTS(...) EXPECT_TRUE(validated([](SamplingParams& p) { __VA_ARGS__; }).ok()) << #__VA_ARGS__
#define REFUSES(field, ...) refuses(field, [](SamplingParams& p) { __VA_ARGS__; })

TEST(SamplingParams, DefaultsAreValid) { ACCEPTS((void)p); }

TEST(SamplingParams, Penalties) {
  ACCEPTS(p.presence_penalty = 2, p.frequency_penalty = -2);
  for (float bad : {2.001f, -2.001f, kNan, kInf}) {
    refuses("presence_penalty", [&](SamplingParams& p) { p.presence_penalty = bad; });
    refuses("frequency_penalty", [&](SamplingParams& p) { p.frequency_penalty = bad; });
  }
  ACCEPTS(p.repetition_penalty = 0.01f);
  for (float bad : {0.0f, -1.0f, kNan, kInf}) refuses("repetition_penalty", [&](SamplingParams& p) { p.repetition_penalty = bad; });
}

TEST(SamplingParams, TemperatureAndFilters) {
  ACCEPTS(p.temperature = 0);
  ACCEPTS(p.temperature = 2);
  for (float bad : {-0.001f, kNan, kInf}) refuses("temperature", [&](SamplingParams& p) { p.temperature = bad; });
  ACCEPTS(p.top_p = 1);
  ACCEPTS(p.top_p = 1e-6f);
  for (float bad : {0.0f, 1.001f, -1.0f, kNan}) refuses("top_p", [&](SamplingParams& p) { p.top_p = bad; });
  ACCEPTS(p.top_k = -1);
  ACCEPTS(p.top_k = 0);
  ACCEPTS(p.top_k = 1 << 30);
  REFUSES("top_k", p.top_k = -2);
  ACCEPTS(p.min_p = 0);
  ACCEPTS(p.min_p = 1);
  for (float bad : {-0.001f, 1.001f, kNan}) refuses("min_p", [&](SamplingParams& p) { p.min_p = bad; });
}

TEST(SamplingParams, Counts) {
  ACCEPTS(p.n = 16384);
  REFUSES("n is 0", p.n = 0);
  REFUSES("n is 16385", p.n = 16385);
  REFUSES("n is 2", p.n = 2, p.temperature = 0);
  ACCEPTS(p.max_tokens = 1);
  ACCEPTS(p.max_tokens.reset(), p.min_tokens = 1000);
  REFUSES("max_tokens", p.max_tokens = 0);
  ACCEPTS(p.max_tokens = 4, p.min_tokens = 4);
  REFUSES("min_tokens", p.max_tokens = 4, p.min_tokens = 5);
  REFUSES("min_tokens", p.min_tokens = -1);
}

TEST(SamplingParams, Logprobs) {
  ACCEPTS(p.logprobs = 0, p.prompt_logprobs = 20);
  ACCEPTS(p.logprobs = -1, p.prompt_logprobs = -1);
  REFUSES("logprobs", p.logprobs = -2);
  REFUSES("logprobs", p.logprobs = 21);
  REFUSES("prompt_logprobs", p.prompt_logprobs = 21);
}

TEST(SamplingParams, Texts) {
  ACCEPTS(p.stop = {"a", "bc"});
  REFUSES("stop", p.stop = {"a", ""});
  REFUSES("stop", p.stop = {"a"}, p.detokenize = false);
  ACCEPTS(p.bad_words = {"no"});
  REFUSES("bad_words", p.bad_words = {""});
}

TEST(SamplingParams, TokenIds) {
  ACCEPTS(p.stop_token_ids = {0, 99});
  REFUSES("stop_token_ids is 100", p.stop_token_ids = {0, 100});
  REFUSES("stop_token_ids is -1", p.stop_token_ids = {-1});
  ACCEPTS(p.allowed_token_ids = std::vector<int32_t>{99});
  REFUSES("allowed_token_ids", p.allowed_token_ids = std::vector<int32_t>{});
  REFUSES("allowed_token_ids is 100", p.allowed_token_ids = std::vector<int32_t>{100});
  ACCEPTS((p.logit_bias = {{0, -1000.0f}, {99, kInf}}));  // clamped
  REFUSES("logit_bias is -1", (p.logit_bias = {{-1, 1.0f}}));
  REFUSES("logit_bias is 100", (p.logit_bias = {{100, 1.0f}}));
  REFUSES("logit_bias", (p.logit_bias = {{1, kNan}}));
}

TEST(Resolve, TakesTheRequestThenTheCheckpointThenTheDefault) {
  GenerationDefaults checkpoint;
  checkpoint.temperature = 0.6f;
  checkpoint.top_k = 50;
  SamplingParams params;
  params.top_k = -1;
  SamplerSettings settings = resolve(params, checkpoint);
  EXPECT_EQ(settings.temperature, 0.6f);
  EXPECT_EQ(settings.topK, 0);
  EXPECT_EQ(settings.topP, 1);
  EXPECT_FALSE(settings.greedy());
}

TEST(Resolve, AColdTemperatureIsGreedyAndALowOneIsRaised) {
  SamplingParams params;
  params.temperature = 9e-6f;
  params.top_p = 0.5f;
  params.top_k = 3;
  params.min_p = 0.1f;
  SamplerSettings settings = resolve(params, {});
  EXPECT_TRUE(settings.greedy());
  EXPECT_EQ(settings.topP, 1);
  EXPECT_EQ(settings.topK, 0);
  EXPECT_EQ(settings.minP, 0);
  params.temperature = 0.001f;
  EXPECT_EQ(resolve(params, {}).temperature, 0.01f);
}

}  // namespace
}  // namespace ingot
