// Steps that begin while the previous one is in flight: the same answers, without unnecessary steps.
#include <stdexcept>

#include "tests/unit/exec/cuda_program.h"

namespace ingot::test {
namespace {

struct Work {
  std::vector<Prompt> prompts;
  std::vector<SamplingParams> params;
};

// Requests, many of which have penalties that depend on previous tokens, or end early.
Work makeWork(uint64_t seed, int count) {
  Random random(seed);
  Work work;
  Prompt common = randomPrompt(random, 20);
  for (int i = 0; i < count; ++i) {
    Prompt prompt = randomPrompt(random, random.integer(1, 18));
    if (random.chance(0.5)) prompt.token_ids.insert(prompt.token_ids.begin(), common.token_ids.begin(), common.token_ids.end());
    SamplingParams one;
    one.seed = i;
    one.max_tokens = static_cast<int>(random.integer(1, 20));
    one.ignore_eos = random.chance(0.5);
    one.temperature = random.chance(0.3) ? 0.0f : 1.0f;
    if (*one.temperature > 0) one.n = static_cast<int>(random.integer(1, 2));
    if (random.chance(0.5)) one.stop_token_ids = {7, 12, 30, 31, 32, 33, 50};
    if (random.chance(0.3)) one.min_tokens = std::min(*one.max_tokens, 4);
    if (random.chance(0.3)) one.logprobs = 3;
    if (random.chance(0.2)) one.prompt_logprobs = 2;
    if (random.chance(0.2)) one.allowed_token_ids = {4, 7, 12, 33, 40, 60};
    if (random.chance(0.4)) one.presence_penalty = 0.5f, one.frequency_penalty = 0.3f;
    if (random.chance(0.3)) one.repetition_penalty = 1.4f;
    work.prompts.push_back(std::move(prompt));
    work.params.push_back(one);
  }
  return work;
}

class AheadTest : public CudaProgramTest {
 protected:
  void SetUp() override { stub.runWith(cudaArtifact()); }

  std::unique_ptr<Engine> open(bool ahead, EngineOptions options = optionsFor("cuda")) {
    options.async_scheduling = ahead;
    auto engine = Engine::open(cudaArtifact(), options);
    if (!engine.ok()) ADD_FAILURE() << engine.status().message();
    stub.calls.clear();
    return engine.ok() ? std::move(engine).value() : nullptr;
  }

  std::vector<std::string> answersTo(Engine& engine, const Work& work, const StreamCallback& callback = {}) {
    auto results = engine.generate(work.prompts, work.params, callback);
    if (!results.ok()) ADD_FAILURE() << results.status().message();
    std::vector<std::string> answers;
    for (size_t i = 0; results.ok() && i < results->size(); ++i)
      answers.push_back(bitsOf((*results)[i]) + " of " + std::to_string((*results)[i].num_cached_tokens));
    return answers;
  }

  // Most steps in flight: each begins when its batch is copied to the GPU, and ends when the host has waited for it.
  int mostAtOnce() const {
    int now = 0, most = 0;
    for (const std::string& call : stub.calls) {
      now += (call == "cuMemcpyHtoDAsync") - (call == "cuEventQuery");
      most = std::max(most, now);
    }
    EXPECT_EQ(now, 0);
    return most;
  }

  // One request of six tokens.
  static SamplingParams sixTokens() {
    SamplingParams params;
    params.temperature = 0;
    params.max_tokens = 6;
    params.ignore_eos = true;
    return params;
  }
  void expectSteps(const SamplingParams& params, bool ahead, int64_t steps, int atOnce) {
    auto engine = open(ahead);
    answersTo(*engine, {{Prompt(std::vector<int32_t>{5, 6, 7})}, {params}});
    EXPECT_EQ(engine->stats().steps, steps);
    EXPECT_EQ(mostAtOnce(), atOnce);
  }
};

TEST_F(AheadTest, AStepBeginsBeforeTheTokensOfTheOneBeforeItAreKnown) {
  expectSteps(sixTokens(), false, 6, 1);
  expectSteps(sixTokens(), true, 6, 2);  // the longest answer is known beforehand
  SamplingParams params = sixTokens();
  params.logprobs = 5;
  params.min_tokens = 3;
  params.logit_bias = {{4, 1.0f}};
  expectSteps(params, true, 6, 2);
}

// Only an unpredictable end costs an unnecessary step.
TEST_F(AheadTest, AnEndThatTokensBringTakesOneMoreStep) {
  SamplingParams params = sixTokens();
  for (int32_t id = 0; id < 64; ++id) params.stop_token_ids.push_back(id);
  params.min_tokens = 0;
  expectSteps(params, false, 1, 1);
  expectSteps(params, true, 2, 2);
}

TEST_F(AheadTest, OnlyTheHostHasToKnowTokensWhereItDraws) {
  SamplingParams params = sixTokens();
  params.repetition_penalty = 1.2f;
  expectSteps(params, true, 6, 2);
  params.logprobs = -1;
  expectSteps(params, true, 6, 1);
}

TEST_F(AheadTest, AnswersAreTheSame) {
  Work work = makeWork(21, 12);
  for (int32_t tokens : {4, 9, 64}) {
    EngineOptions options = optionsFor("cuda");
    options.max_num_batched_tokens = tokens;
    options.kv_cache_memory = 40 * kTinyPageBytes;
    auto plain = open(false, options);
    auto expected = answersTo(*plain, work);
    auto again = answersTo(*plain, work);  // with prefixes in the cache
    plain.reset();
    auto ahead = open(true, options);
    EXPECT_EQ(answersTo(*ahead, work), expected);
    EXPECT_EQ(mostAtOnce(), 2);
    auto cached = answersTo(*ahead, work);
    for (size_t i = 0; i < again.size(); ++i) EXPECT_EQ(cached[i].substr(0, cached[i].find(" of ")), again[i].substr(0, again[i].find(" of ")));
  }
}

TEST_F(AheadTest, AnswersAreTheSameWhenPreempted) {
  // The first ones have prompts of the same length, and run out of pages together.
  Work work = makeWork(22, 12);
  for (SamplingParams& one : work.params) one.n = 1;
  Random random(24);
  for (size_t i = 0; i < 4; ++i) {
    work.prompts[i] = randomPrompt(random, 18);
    work.params[i].max_tokens = 20, work.params[i].ignore_eos = true, work.params[i].stop_token_ids.clear();
  }
  EngineOptions options = optionsFor("cuda");
  for (bool caching : {false, true}) {
    options.enable_prefix_caching = caching;
    options.kv_cache_memory = 64 * kTinyPageBytes;
    auto expected = answersTo(*open(false, options), work);
    options.kv_cache_memory = 5 * kTinyPageBytes;
    auto engine = open(true, options);
    auto answers = answersTo(*engine, work);
    EXPECT_GT(engine->stats().preemptions, 0);
    for (size_t i = 0; i < answers.size(); ++i)
      EXPECT_EQ(answers[i].substr(0, answers[i].find(" of ")), expected[i].substr(0, expected[i].find(" of ")));
  }
}

// Full pages of an answer are cached for a prompt that continues it.
TEST_F(AheadTest, WhatWasGeneratedStaysInTheCache) {
  for (bool ahead : {false, true})
    for (int tokens : {13, 14, 15}) {  // 16 tokens have keys and values from the second on
      auto engine = open(ahead);
      SamplingParams params = sixTokens();
      params.max_tokens = tokens;
      auto first = engine->generate({Prompt(std::vector<int32_t>{5, 6, 7})}, {params});
      ASSERT_TRUE(first.ok());
      std::vector<int32_t> ids = {5, 6, 7};
      ids.insert(ids.end(), (*first)[0].outputs[0].token_ids.begin(), (*first)[0].outputs[0].token_ids.end());
      ids.insert(ids.end(), {8, 9, 10});
      EXPECT_EQ(engine->generate({Prompt(ids)}, {params})->at(0).num_cached_tokens, tokens > 13 ? 16 : 0) << tokens << (ahead ? " ahead" : "");
    }
}

// Steps that a call leaves in flight are finished before the next call.
TEST_F(AheadTest, EndsInTheMiddle) {
  Work work = makeWork(23, 6);
  EngineOptions options = optionsFor("cuda");
  options.kv_cache_memory = 64 * kTinyPageBytes;
  options.enable_prefix_caching = false;
  auto engine = open(true, options);
  auto expected = answersTo(*engine, work);
  for (int last : {1, 3, 8}) {
    int seen = 0;
    auto cut = engine->generate(work.prompts, work.params, [&](const RequestOutput&) {
      if (++seen == last) engine->cancel();
    });
    ASSERT_TRUE(cut.ok());
    bool isAborted = false;
    for (const RequestOutput& one : *cut)
      for (const CompletionOutput& output : one.outputs) isAborted |= output.finish_reason == "abort";
    EXPECT_TRUE(isAborted);
    EXPECT_EQ(answersTo(*engine, work), expected);
    seen = 0;
    auto callback = [&](const RequestOutput&) {
      if (++seen == last) throw std::runtime_error("the callback's own");
    };
    EXPECT_THROW((void)engine->generate(work.prompts, work.params, callback), std::runtime_error);
    EXPECT_EQ(answersTo(*engine, work), expected);
  }
  EXPECT_EQ(mostAtOnce(), 2);
}

}  // namespace
}  // namespace ingot::test
