// The same request gives the same bits whatever is around it: alone, in a batch, chunked, preempted, prefix cached, on more
// threads, and with many more requests than sequences of a step.
#include "tests/unit/engine/support.h"

namespace ingot {
namespace {

using test::bitsOf;
using test::openTiny;

struct Work {
  std::vector<Prompt> prompts;
  std::vector<SamplingParams> params;
};

Work makeWork(test::Random& random, int count) {
  Work work;
  Prompt common = test::randomPrompt(random, 40);
  for (int i = 0; i < count; ++i) {
    Prompt prompt = test::randomPrompt(random, std::vector<int64_t>{1, 2, 15, 16, 17, 31, 33, 50}[static_cast<size_t>(random.integer(0, 7))]);
    if (random.chance(0.4)) {  // shares a prefix with others
      auto first = common.token_ids.begin();
      prompt.token_ids.insert(prompt.token_ids.begin(), first, first + random.integer(8, 40));
    }
    SamplingParams params;
    params.seed = i;
    params.max_tokens = static_cast<int>(random.integer(1, 30));
    params.ignore_eos = random.chance(0.7);
    params.logprobs = static_cast<int>(random.integer(0, 5));
    if (random.chance(0.3)) params.prompt_logprobs = 2;
    if (random.chance(0.4)) params.temperature = 0;
    else params.n = static_cast<int>(random.integer(1, 3));
    if (random.chance(0.3)) params.top_p = 0.8f, params.top_k = 20;
    if (random.chance(0.3)) params.repetition_penalty = 1.3f, params.presence_penalty = 0.5f;
    work.prompts.push_back(std::move(prompt));
    work.params.push_back(params);
  }
  return work;
}

std::vector<std::string> bitsOfAll(Engine& engine, const Work& work) {
  auto results = engine.generate(work.prompts, work.params);
  if (!results.ok()) {
    ADD_FAILURE() << results.status().message();
    return {};
  }
  std::vector<std::string> bits;
  for (const RequestOutput& one : *results) bits.push_back(bitsOf(one));
  return bits;
}

std::vector<std::string> bitsAlone(const Work& work) {
  EngineOptions options;
  options.enable_prefix_caching = false;
  auto engine = openTiny(options);
  std::vector<std::string> bits;
  for (size_t i = 0; i < work.prompts.size(); ++i) bits.push_back(bitsOfAll(*engine, {{work.prompts[i]}, {work.params[i]}}).at(0));
  return bits;
}

class SameBits : public ::testing::Test {
 protected:
  SameBits() : random_(40), work_(makeWork(random_, 30)), alone_(bitsAlone(work_)) {}
  void expectSame(Engine& engine) {
    auto bits = bitsOfAll(engine, work_);
    ASSERT_EQ(bits.size(), alone_.size());
    for (size_t i = 0; i < bits.size(); ++i) EXPECT_EQ(bits[i], alone_[i]) << "request " << i;
  }
  test::Random random_;
  Work work_;
  std::vector<std::string> alone_;
};

TEST_F(SameBits, InABatch) {
  EngineOptions options;
  options.enable_prefix_caching = false;
  expectSame(*openTiny(options));
}

TEST_F(SameBits, InChunks) {
  for (int tokens : {1, 3, 7, 16}) {
    EngineOptions options;
    options.max_num_seqs = std::min(tokens, 4);
    options.max_num_batched_tokens = tokens;
    expectSame(*openTiny(options));
  }
}

TEST_F(SameBits, WithMoreThreads) {
  EngineOptions options;
  options.threads = 2;
  expectSame(*openTiny(options));
  options.threads = 5;
  options.max_num_batched_tokens = 64;
  expectSame(*openTiny(options));
}

TEST_F(SameBits, WithTheirPrefixInTheCache) {
  auto engine = openTiny();
  expectSame(*engine);
  expectSame(*engine);
}

TEST_F(SameBits, WhenPreempted) {
  EngineOptions options;
  options.kv_cache_memory = 10 * test::kTinyPageBytes;
  for (bool caching : {false, true}) {
    options.enable_prefix_caching = caching;
    auto engine = openTiny(options);
    EXPECT_EQ(engine->stats().kv_pages, 10);
    expectSame(*engine);
    EXPECT_GT(engine->stats().preemptions, 0);
  }
}

TEST(ContinuousBatching, ServesManyMoreRequestsThanSequencesOfAStep) {
  test::Random random(41);
  Work work = makeWork(random, 150);
  EngineOptions options;
  options.max_num_seqs = 5;
  options.max_num_batched_tokens = 24;
  options.kv_cache_memory = 30 * test::kTinyPageBytes;
  auto engine = openTiny(options);
  auto results = engine->generate(work.prompts, work.params);
  ASSERT_TRUE(results.ok()) << results.status().message();
  for (size_t i = 0; i < results->size(); ++i) {
    const RequestOutput& one = (*results)[i];
    EXPECT_EQ(one.request_id, std::to_string(i));
    EXPECT_TRUE(one.finished);
    EXPECT_EQ(one.prompt_token_ids, work.prompts[i].token_ids);
    ASSERT_EQ(one.outputs.size(), static_cast<size_t>(work.params[i].n));
    for (const CompletionOutput& output : one.outputs)
      EXPECT_TRUE(output.finish_reason == "stop" || output.token_ids.size() == static_cast<size_t>(*work.params[i].max_tokens));
  }
}

TEST(PrefixCache, SaysHowManyTokensItHad) {
  test::Random random(42);
  auto engine = openTiny();
  Prompt prompt = test::randomPrompt(random, 40);
  SamplingParams params;
  params.max_tokens = 2;
  params.ignore_eos = true;
  EXPECT_EQ(engine->generate({prompt}, {params})->at(0).num_cached_tokens, 0);
  EXPECT_EQ(engine->generate({prompt}, {params})->at(0).num_cached_tokens, 32);
}

}  // namespace
}  // namespace ingot
