// Single-token batches as one persistent kernel that runs all steps.
#include "tests/unit/exec/cuda_program.h"

namespace ingot::test {
namespace {

class CudaPersistentTest : public CudaProgramTest {
 protected:
  CudaPersistentTest() { stub.major = 9; }

  // The bits of answers to single sequences: prompts of one token, and one long enough to be split by attention.
  static std::string answersInTurn(const std::string& artifact, const std::string& device) {
    EngineOptions options = optionsFor(device);
    options.kv_cache_memory = 64 << 20;
    auto engine = Engine::open(artifact, options);
    if (!engine.ok()) return engine.status().message();
    SamplingParams params;
    params.temperature = 0;
    params.max_tokens = 3;
    params.ignore_eos = true;
    params.logprobs = 4;
    Random random(7);
    std::string answers;
    for (int64_t length : {1, 254, 1}) {
      auto results = (*engine)->generate({randomPrompt(random, length)}, {params});
      if (!results.ok()) return results.status().message();
      answers += bitsOf(results->front()) + "\n";
    }
    return answers;
  }
};

TEST_F(CudaPersistentTest, AnswersAsTheEmulatorDoes) {
  std::string expected = answersOf(cudaArtifact(), "cpu");
  stub.runWith(persistentArtifact());
  EXPECT_EQ(answersOf(persistentArtifact(), "cuda"), "cuda:sm_90a" + expected.substr(expected.find('\n')));
  EXPECT_EQ(callsOf("cuLaunchKernelEx ingot_program 4 x 256"), 5);
}

// Weights of every kind, and sequences of several splits.
TEST_F(CudaPersistentTest, AnswersOfEveryTypeAreThoseOfSteps) {
  constexpr std::pair<const char*, const char*> kTypes[] = {{"float32", "none"}, {"float16", "none"}, {"bfloat16", "none"},
                                                            {"auto", "int8"},    {"auto", "int4"},    {"auto", "fp8"}};
  for (auto [dtype, quantize] : kTypes) {
    TemporaryFolder folder;
    CompileOptions options = tinyOptions(std::string(INGOT_SOURCE_DIR) + "/tests/bench/checks/long", folder / "long.ingot");
    options.random_weights = 3;
    options.dtype = dtype;
    options.quantize = quantize;
    std::string artifact = compileForStub(options, "cuda:sm_90a", {.persistent = true});
    stub.reset();
    stub.major = 9;
    std::string expected = answersInTurn(artifact, "cpu");
    stub.runWith(artifact);
    EXPECT_EQ(answersInTurn(artifact, "cuda"), expected) << dtype << " " << quantize;
    EXPECT_EQ(callsOf("cuLaunchKernelEx ingot_program"), 8) << dtype << " " << quantize;
  }
}

TEST_F(CudaPersistentTest, WhatIsWalkedHasNoGraphs) {
  for (int tokens : {1, 2}) {
    EngineOptions options = optionsFor("cuda");
    options.max_num_seqs = options.max_num_batched_tokens = tokens;
    ASSERT_TRUE(Engine::open(persistentArtifact(), options).ok());
    EXPECT_EQ(callsOf("cuStreamBeginCapture") > 0, tokens > 1);
  }
}

TEST_F(CudaPersistentTest, EveryCallThatFailsIsAStatus) { failEveryCall(persistentArtifact()); }

}  // namespace
}  // namespace ingot::test
