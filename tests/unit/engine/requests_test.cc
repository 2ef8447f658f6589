// What one request asks for and gets: ends, counts, masks, streams, cancels, refusals.
#include <gmock/gmock.h>

#include <cmath>
#include <set>
#include <thread>

#include "runtime/engine/requests.h"
#include "tests/unit/engine/support.h"

namespace ingot {
namespace {

using test::openTiny;
using ::testing::HasSubstr;

class Requests : public ::testing::Test {
 protected:
  RequestOutput run(const SamplingParams& params, Prompt prompt = Prompt(std::vector<int32_t>{5, 6, 7})) {
    auto results = engine_->generate({std::move(prompt)}, {params});
    if (!results.ok()) ADD_FAILURE() << results.status().message();
    return results.ok() ? results->at(0) : RequestOutput{.outputs = {{}}};
  }
  void refuses(const SamplingParams& params, const char* what, Prompt prompt = Prompt(std::vector<int32_t>{5})) {
    auto results = engine_->generate({std::move(prompt)}, {params});
    ASSERT_FALSE(results.ok()) << what;
    EXPECT_EQ(results.status().code(), StatusCode::invalidArgument);
    EXPECT_THAT(results.status().message(), HasSubstr(what));
  }
  static SamplingParams greedy(int tokens) {
    SamplingParams params;
    params.temperature = 0;
    params.max_tokens = tokens;
    params.ignore_eos = true;
    return params;
  }
  std::unique_ptr<Engine> engine_ = openTiny();
};

TEST_F(Requests, EndAtMaxTokensAndAtTheContextLimit) {
  EXPECT_EQ(run(greedy(5)).outputs[0].token_ids.size(), 5u);
  SamplingParams params = greedy(5);
  params.max_tokens.reset();
  auto output = run(params).outputs[0];
  EXPECT_EQ(output.token_ids.size(), 125u);  // 128 in all
  EXPECT_EQ(output.finish_reason, "length");
  EXPECT_EQ(run(greedy(10000)).outputs[0].token_ids.size(), 125u);
}

TEST_F(Requests, EndAtAStopIdButNotBeforeMinTokens) {
  auto free = run(greedy(30)).outputs[0].token_ids;
  SamplingParams params = greedy(30);
  params.stop_token_ids = {free[4]};
  auto first = static_cast<size_t>(std::find(free.begin(), free.end(), free[4]) - free.begin());
  auto output = run(params).outputs[0];
  EXPECT_EQ(output.token_ids, std::vector<int32_t>(free.begin(), free.begin() + static_cast<std::ptrdiff_t>(first) + 1));
  EXPECT_EQ(output.finish_reason, "stop");
  EXPECT_EQ(std::get<int32_t>(output.stop_reason), free[4]);
  params.min_tokens = 20;
  output = run(params).outputs[0];
  EXPECT_GE(output.token_ids.size(), 20u);
  EXPECT_EQ(std::count(output.token_ids.begin(), output.token_ids.begin() + 20, free[4]), 0);
}

TEST_F(Requests, EosEndsWithoutAStopReason) {
  SamplingParams params;
  params.temperature = 0;
  params.logit_bias = {{2, 100.0f}};  // the config's eos_token_id
  auto output = run(params).outputs[0];
  EXPECT_EQ(output.token_ids, std::vector<int32_t>{2});
  EXPECT_EQ(output.finish_reason, "stop");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(output.stop_reason));
  params.ignore_eos = true;
  params.max_tokens = 3;
  EXPECT_EQ(run(params).outputs[0].token_ids, (std::vector<int32_t>{2, 2, 2}));
}

TEST_F(Requests, OnlyAllowedIdsComeOutAndBiasMovesThem) {
  SamplingParams params;
  params.ignore_eos = true;
  params.max_tokens = 40;
  params.seed = 1;
  params.allowed_token_ids = std::vector<int32_t>{9, 11, 13};
  RequestOutput free = run(params);
  for (int32_t id : free.outputs[0].token_ids) EXPECT_TRUE(id == 9 || id == 11 || id == 13) << id;
  params.logit_bias = {{11, 50.0f}};
  EXPECT_EQ(run(params).outputs[0].token_ids, std::vector<int32_t>(40, 11));
}

TEST_F(Requests, SeedsRepeatAndOutputsDiffer) {
  SamplingParams params;
  params.seed = 5;
  params.n = 4;
  params.max_tokens = 20;
  params.ignore_eos = true;
  auto once = run(params), twice = run(params);
  EXPECT_EQ(test::bitsOf(once), test::bitsOf(twice));
  std::set<std::vector<int32_t>> different;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(once.outputs[i].index, static_cast<int>(i));
    different.insert(once.outputs[i].token_ids);
  }
  EXPECT_EQ(different.size(), 4u);
  params.seed = 6;
  EXPECT_NE(test::bitsOf(run(params)), test::bitsOf(once));
  params.n = 1;
  params.seed = 5;
  EXPECT_EQ(run(params).outputs[0].token_ids, once.outputs[0].token_ids) << "an output does not depend on its siblings";
  for (std::optional<int64_t> fresh : {std::optional<int64_t>(), std::optional<int64_t>(-1)}) {
    params.seed = fresh;
    EXPECT_NE(run(params).outputs[0].token_ids, run(params).outputs[0].token_ids) << fresh.value_or(0);
  }
}

TEST_F(Requests, ThatLeaveNoTokenAreRefused) {
  SamplingParams params = greedy(4);
  params.allowed_token_ids = std::vector<int32_t>{2, 9};  // 2 is the config's eos_token_id
  params.stop_token_ids = {9};
  params.min_tokens = 1;
  refuses(params, "leave no token");
  params.allowed_token_ids = std::vector<int32_t>{9};
  params.min_tokens = 0;
  EXPECT_EQ(run(params).outputs[0].finish_reason, "stop");
}

TEST(Output, EndsWithAnErrorWhenEveryTokenIsMasked) {
  RequestContext context;
  context.vocab = 8;
  context.maxLen = 100;
  SamplingParams params;
  params.max_tokens = 10;
  LogitRules rules;
  rules.allowed = {3, 4};
  rules.badWords = {{4}, {3, 3, 3}};
  for (float temperature : {0.0f, 1.0f}) {
    params.temperature = temperature;
    Output output(context, params, resolve(params, {}), rules, std::vector<int32_t>{1}, 0, 5);
    SamplerScratch scratch;
    auto next = [&] {
      std::vector<float> logits = {9, 9, 9, 1, 2, 3, 4, 5};
      return output.sample(logits, scratch);
    };
    EXPECT_EQ(next(), 3);
    EXPECT_EQ(next(), 3);
    EXPECT_FALSE(output.finished());
    EXPECT_EQ(next(), std::nullopt);
    EXPECT_EQ(output.completion.finish_reason, "error");
    EXPECT_EQ(output.completion.token_ids, (std::vector<int32_t>{3, 3}));
  }
}

TEST_F(Requests, LogprobsAreOfTheChosenAndTheBest) {
  SamplingParams params = greedy(6);
  params.logprobs = 3;
  params.prompt_logprobs = -1;
  auto one = run(params);
  const auto& output = one.outputs[0];
  ASSERT_EQ(output.logprobs->size(), 6u);
  double sum = 0;
  for (size_t i = 0; i < 6; ++i) {
    const LogprobMap& map = (*output.logprobs)[i];
    EXPECT_EQ(map.size(), 3u);
    EXPECT_EQ(map.at(output.token_ids[i]).rank, 1);
    sum += map.at(output.token_ids[i]).logprob;
  }
  EXPECT_NEAR(*output.cumulative_logprob, sum, 1e-5);
  ASSERT_EQ(one.prompt_logprobs->size(), 3u);
  EXPECT_FALSE(one.prompt_logprobs->at(0));
  for (size_t i : {1u, 2u}) {
    double mass = 0;
    for (const auto& [id, logprob] : *one.prompt_logprobs->at(i)) mass += std::exp(logprob.logprob);
    EXPECT_EQ(one.prompt_logprobs->at(i)->size(), 64u);
    EXPECT_NEAR(mass, 1, 1e-4);
  }
}

TEST_F(Requests, StreamedPiecesJoinToTheFinal) {
  test::Random random(43);
  std::vector<Prompt> prompts;
  for (int i = 0; i < 6; ++i) prompts.push_back(test::randomPrompt(random, 10 + i));
  SamplingParams params;
  params.n = 2;
  params.seed = 3;
  params.logprobs = 1;
  std::map<std::string, std::vector<int32_t>> joined;
  std::map<std::string, size_t> logprobs;
  std::set<std::string> finished;
  auto results = engine_->generate(prompts, {params}, [&](const RequestOutput& delta) {
    ASSERT_EQ(delta.outputs.size(), 1u);
    std::string key = delta.request_id + "/" + std::to_string(delta.outputs[0].index);
    EXPECT_FALSE(finished.count(key));
    joined[key].insert(joined[key].end(), delta.outputs[0].token_ids.begin(), delta.outputs[0].token_ids.end());
    logprobs[key] += delta.outputs[0].logprobs->size();
    if (!delta.outputs[0].finish_reason.empty()) finished.insert(key);
  });
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(finished.size(), 12u);
  for (const RequestOutput& one : *results)
    for (const CompletionOutput& output : one.outputs) {
      std::string key = one.request_id + "/" + std::to_string(output.index);
      EXPECT_EQ(joined[key], output.token_ids);
      EXPECT_EQ(logprobs[key], output.token_ids.size());
    }
}

TEST_F(Requests, ACancelFromAnotherThreadEndsThemAndTheEngineGoesOn) {
  SamplingParams params = greedy(120);
  std::atomic<int> deltas{0};
  std::thread canceller([&] {
    while (deltas == 0) std::this_thread::yield();
    engine_->cancel();
  });
  // The callback holds the steps up, so that the cancel comes in the middle.
  auto results = engine_->generate({Prompt(std::vector<int32_t>{5}), Prompt(std::vector<int32_t>{6})}, {params}, [&](const RequestOutput&) {
    ++deltas;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  });
  canceller.join();
  ASSERT_TRUE(results.ok()) << results.status().message();
  for (const RequestOutput& one : *results) {
    EXPECT_EQ(one.outputs[0].finish_reason, "abort");
    EXPECT_LT(one.outputs[0].token_ids.size(), 120u);
    EXPECT_TRUE(one.finished);
  }
  EXPECT_EQ(run(greedy(3)).outputs[0].token_ids.size(), 3u);
}

TEST_F(Requests, CallsOfSeveralThreadsTakeTurns) {
  std::vector<std::thread> threads;
  std::vector<std::string> bits(4);
  for (size_t i = 0; i < bits.size(); ++i)
    threads.emplace_back([&, i] { bits[i] = test::bitsOf(engine_->generate({Prompt(std::vector<int32_t>{5, 6})}, {greedy(20)})->at(0)); });
  for (auto& thread : threads) thread.join();
  for (const auto& one : bits) EXPECT_EQ(one, bits[0]);
}

TEST_F(Requests, BadOnesAreRefusedBeforeAnyWork) {
  refuses(greedy(0), "max_tokens");
  refuses(greedy(1), "prompt_token_ids has 64", Prompt(std::vector<int32_t>{64}));
  refuses(greedy(1), "prompt_token_ids has -1", Prompt(std::vector<int32_t>{-1}));
  refuses(greedy(1), "without a tokenizer", Prompt("text"));
  refuses(greedy(1), "128 tokens", Prompt(std::vector<int32_t>(128, 5)));
  SamplingParams params = greedy(1);
  params.stop = {"x"};
  refuses(params, "stop");
  params = greedy(1);
  params.bad_words = {"x"};
  refuses(params, "bad_words");
  params = greedy(1);
  params.n = 2;
  refuses(params, "greedy");
  params = {};
  params.stop_token_ids = {64};
  refuses(params, "stop_token_ids");
  int64_t steps = engine_->stats().steps;
  auto mixed = engine_->generate({Prompt(std::vector<int32_t>{5}), Prompt(std::vector<int32_t>{99})}, {greedy(1)});
  ASSERT_FALSE(mixed.ok());
  EXPECT_THAT(mixed.status().message(), HasSubstr("prompt 1"));
  EXPECT_EQ(engine_->stats().steps, steps);
  EXPECT_FALSE(engine_->generate({Prompt(std::vector<int32_t>{5})}, {greedy(1), greedy(1)}).ok());
  EXPECT_TRUE(engine_->generate({}, {greedy(1)}).ok());
}

TEST(Pool, TooSmallForARequestIsRefusedWithBothNumbers) {
  EngineOptions options;
  options.kv_cache_memory = 3 * test::kTinyPageBytes + 5;
  auto engine = openTiny(options);
  SamplingParams params;
  params.max_tokens = 60;
  auto results = engine->generate({Prompt(std::vector<int32_t>{5})}, {params});
  ASSERT_FALSE(results.ok());
  EXPECT_EQ(results.status().code(), StatusCode::resourceExhausted);
  EXPECT_THAT(results.status().message(), HasSubstr("needs 4 KV pages, the pool has 3"));
  params.max_tokens = 47;
  EXPECT_TRUE(engine->generate({Prompt(std::vector<int32_t>{5})}, {params}).ok());
  options.kv_cache_memory = 100;
  auto none = Engine::open(test::tinyArtifact().string(), options);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.status().message(), HasSubstr("100 bytes"));
}

TEST(EngineOptionsTest, AreChecked) {
  auto message = [](EngineOptions options) { return Engine::open(test::tinyArtifact().string(), options).status().message(); };
  EXPECT_THAT(message({.device = "cuda"}), HasSubstr("device cuda"));
  EXPECT_THAT(message({.threads = -1}), HasSubstr("threads"));
}

}  // namespace
}  // namespace ingot
