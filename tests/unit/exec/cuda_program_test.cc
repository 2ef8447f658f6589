// The CUDA side of the runtime on the driver stub: answers, and which parts of them the host and the device compute.
#include "tests/unit/exec/cuda_program.h"
#include "tests/support/tiny_checkpoint.h"

namespace ingot::test {
namespace {

// Options for the tiny model's shape with one number changed and random weights, written to `folder`.
CompileOptions optionsWith(const TemporaryFolder& folder, const char* name, int value) {
  auto config = makeTinyLlama().config;
  config[name] = value;
  std::filesystem::create_directories(folder / "shape");
  writeFile(folder / "shape" / "config.json", config.dump());
  CompileOptions options = tinyOptions(folder / "shape", folder / "shape.ingot");
  options.random_weights = 5;
  return options;
}

TEST_F(CudaProgramTest, AnswersAsTheEmulatorDoes) {
  std::string expected = answersOf(cudaArtifact(), "cpu");
  ASSERT_TRUE(expected.starts_with("cuda-emulated\n")) << expected;
  stub.runWith(cudaArtifact());
  EXPECT_EQ(answersOf(cudaArtifact(), "cuda"), "cuda:sm_80" + expected.substr(expected.find('\n')));
  EXPECT_GT(callsOf("cuGraphLaunch"), 5);
}

// Requests that cover every setting, with prompts of many lengths.
std::pair<std::vector<Prompt>, std::vector<SamplingParams>> variousRequests(uint64_t seed) {
  Random random(seed);
  std::vector<Prompt> prompts;
  std::vector<SamplingParams> params;
  for (int i = 0; i < 12; ++i) {
    prompts.push_back(randomPrompt(random, i == 7 ? 40 : 1 + i % 5));
    SamplingParams one;
    one.seed = i;
    one.max_tokens = 12;
    one.ignore_eos = true;
    one.n = i % 3 ? 1 : 2;
    one.temperature = 0.2f + 0.3f * static_cast<float>(i);
    if (i % 2) one.top_p = 0.7f;
    if (i % 4 > 1) one.top_k = 1 + 3 * i;
    if (i % 5 == 4) one.min_p = 0.05f;
    if (i % 4 == 3) one.repetition_penalty = 1.4f, one.presence_penalty = 0.5f, one.frequency_penalty = -0.2f;
    if (i % 6 == 5) one.logit_bias = {{i, 3.0f}, {7, -2.0f}}, one.stop_token_ids = {9, 40}, one.min_tokens = 5;
    if (i % 5 == 3) one.allowed_token_ids = {{60, 4, 7, 12, 9, 33, 40, 60}};
    params.push_back(one);
  }
  return {prompts, params};
}

// For log-probabilities of the whole vocabulary logits are copied to the host, which samples itself: the tokens are the same.
TEST_F(CudaProgramTest, DrawsTheTokensThatTheHostWould) {
  stub.runWith(cudaArtifact());
  auto [prompts, params] = variousRequests(13);
  EngineOptions options = optionsFor("cuda");
  options.kv_cache_memory = 64 * kTinyPageBytes;
  auto engine = Engine::open(cudaArtifact(), options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  stub.calls.clear();
  auto drawn = (*engine)->generate(prompts, params);
  ASSERT_TRUE(drawn.ok()) << drawn.status().message();
  EXPECT_EQ(callsOf("cuMemcpyDtoH"), (*engine)->stats().steps) << "chosen tokens come to the host, and no logits";
  for (SamplingParams& one : params) one.logprobs = -1;
  auto fetched = (*engine)->generate(prompts, params);
  ASSERT_TRUE(fetched.ok()) << fetched.status().message();
  for (size_t i = 0; i < prompts.size(); ++i)
    for (size_t k = 0; k < (*drawn)[i].outputs.size(); ++k) EXPECT_EQ((*drawn)[i].outputs[k].token_ids, (*fetched)[i].outputs[k].token_ids);
}

// Several blocks share a long row of logits, and sample the same tokens as the host.
TEST_F(CudaProgramTest, BlocksDrawTogetherFromLongRows) {
  TemporaryFolder folder;
  std::string artifact = compileForStub(optionsWith(folder, "vocab_size", 17000), "cuda:sm_90a", {});
  stub.major = 9;
  stub.runWith(artifact);
  auto engine = Engine::open(artifact, optionsFor("cuda"));
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  stub.calls.clear();
  auto [prompts, params] = variousRequests(15);
  prompts.resize(4), params.resize(4);
  for (SamplingParams& one : params) one.max_tokens = 3, one.allowed_token_ids.reset();
  auto drawn = (*engine)->generate(prompts, params);
  ASSERT_TRUE(drawn.ok()) << drawn.status().message();
  EXPECT_EQ(callsOf("cuMemcpyDtoH"), (*engine)->stats().steps);
  for (SamplingParams& one : params) one.logprobs = -1;
  auto fetched = (*engine)->generate(prompts, params);
  ASSERT_TRUE(fetched.ok()) << fetched.status().message();
  for (size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ((*drawn)[i].outputs[0].token_ids, (*fetched)[i].outputs[0].token_ids);
}

// Log-probabilities and ranks from the device equal those that the host computes over the whole vocabulary. Prompts are chunked.
TEST_F(CudaProgramTest, FindsTheLogprobsThatTheHostWould) {
  stub.runWith(cudaArtifact());
  auto [prompts, params] = variousRequests(14);
  EngineOptions options = optionsFor("cuda");
  options.kv_cache_memory = 64 * kTinyPageBytes;
  options.max_num_batched_tokens = 9;
  auto engine = Engine::open(cudaArtifact(), options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  for (size_t i = 0; i < params.size(); ++i) {
    params[i].logprobs = static_cast<int>(i * 7 % 21);
    params[i].prompt_logprobs = static_cast<int>(20 - i);
  }
  stub.calls.clear();
  auto found = (*engine)->generate(prompts, params);
  ASSERT_TRUE(found.ok()) << found.status().message();
  int64_t steps = (*engine)->stats().steps;
  EXPECT_GT(callsOf("cuMemcpyDtoH"), steps);
  EXPECT_LE(callsOf("cuMemcpyDtoH"), 2 * steps) << "chosen tokens and log-probabilities come to the host, and no logits";
  for (SamplingParams& one : params) one.logprobs = one.prompt_logprobs = -1;
  auto all = (*engine)->generate(prompts, params);
  ASSERT_TRUE(all.ok()) << all.status().message();

  auto expectAmong = [](const LogprobMap& ours, const LogprobMap& whole, size_t count, int32_t chosen) {
    EXPECT_EQ(whole.size(), 64u);
    EXPECT_TRUE(ours.contains(chosen));
    EXPECT_GE(ours.size(), count);
    EXPECT_LE(ours.size(), count + 1);
    for (const auto& [id, one] : ours) {
      EXPECT_EQ(one.logprob, whole.at(id).logprob);
      EXPECT_EQ(one.rank, whole.at(id).rank);
      EXPECT_TRUE(id == chosen || one.rank <= static_cast<int>(count));
    }
  };
  for (size_t i = 0; i < prompts.size(); ++i) {
    const RequestOutput &ours = (*found)[i], &whole = (*all)[i];
    for (size_t at = 1; at < prompts[i].token_ids.size(); ++at)
      expectAmong((*ours.prompt_logprobs)[at].value(), (*whole.prompt_logprobs)[at].value(), 20 - i, prompts[i].token_ids[at]);
    for (size_t k = 0; k < ours.outputs.size(); ++k) {
      EXPECT_EQ(ours.outputs[k].token_ids, whole.outputs[k].token_ids);
      EXPECT_EQ(ours.outputs[k].cumulative_logprob, whole.outputs[k].cumulative_logprob);
      for (size_t at = 0; at < ours.outputs[k].token_ids.size(); ++at)
        expectAmong((*ours.outputs[k].logprobs)[at], (*whole.outputs[k].logprobs)[at], i * 7 % 21, ours.outputs[k].token_ids[at]);
    }
  }
}

// From a recipe, host and device make the same weights.
TEST_F(CudaProgramTest, RandomWeightsAreMadeWhereTheyAreRead) {
  TemporaryFolder folder;
  std::string answers[2];
  for (const char* quantize : {"none", "int4"}) {
    CompileOptions options = tinyOptions(tinyCheckpoint(), folder / "random.ingot");
    options.random_weights = 7;
    options.quantize = quantize;
    compileForStub(options, "cuda:sm_80", {});
    auto artifact = Artifact::open(options.output);
    ASSERT_TRUE(artifact.ok()) << artifact.status().message();
    EXPECT_EQ(weightRange((*artifact)->plan()).filled, true);
    EXPECT_TRUE((*artifact)->verifyBody([](uint64_t, uint64_t) {}).ok());
    stub.runWith(options.output.string());
    for (const char* device : {"cpu", "cuda"}) {
      auto engine = Engine::open(options.output.string(), optionsFor(device));
      ASSERT_TRUE(engine.ok()) << engine.status().message();
      auto results = generateShort(**engine);
      ASSERT_TRUE(results.ok()) << results.status().message();
      answers[device[1] == 'u'] += bitsOf((*results)[0]);
    }
  }
  EXPECT_EQ(answers[0], answers[1]);
}

// Long prompts run larger kernels, a prompt of 16 tokens runs the first of them; the answers have the same bits.
TEST_F(CudaProgramTest, ManyRowsRunLargerKernelsWithTheSameBits) {
  TemporaryFolder folder;
  Random random(12);
  std::vector<Prompt> prompts = {randomPrompt(random, 3), randomPrompt(random, 40)}, one = {randomPrompt(random, 16)};
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = 3;
  params.prompt_logprobs = 2;
  struct Kind {
    const char *target, *dtype, *quantize, *kernel;
  };
  for (Kind kind : {Kind{"cuda:sm_80", "bfloat16", "none", "_gemm"},
                    {"cuda:sm_90a", "float16", "none", "_wide"},
                    {"cuda:sm_90a", "float16", "int4", "_wide_codes"},
                    {"cuda:sm_90a", "float16", "fp8", "_wide_codes"}}) {
    std::vector<std::string> answers;
    for (int64_t leastRows : {1000, 16}) {
      CompileOptions options = tinyOptions(tinyCheckpoint(), folder / "many.ingot");
      options.dtype = kind.dtype;
      options.quantize = kind.quantize;
      compileForStub(options, kind.target, {.largerRows = leastRows});
      for (const char* device : {"cpu", "cuda"}) {
        stub.reset();
        if (std::string(kind.target) == "cuda:sm_90a") stub.major = 9;
        stub.runWith(options.output.string());
        EngineOptions engineOptions = optionsFor(device);
        engineOptions.kv_cache_memory = 64 * kTinyPageBytes;
        auto engine = Engine::open(options.output.string(), engineOptions);
        ASSERT_TRUE(engine.ok()) << engine.status().message();
        auto results = (*engine)->generate(prompts, {params}), first = (*engine)->generate(one, {params});
        ASSERT_TRUE(results.ok() && first.ok()) << results.status().message() << first.status().message();
        answers.push_back(bitsOf((*results)[0]) + bitsOf((*results)[1]) + bitsOf((*first)[0]));
        int64_t larger = std::count_if(stub.calls.begin(), stub.calls.end(), [&](const std::string& call) {
          return call.starts_with("cuLaunchKernelEx ") && call.find(kind.kernel) != std::string::npos;
        });
        EXPECT_EQ(larger > 0, std::string(device) == "cuda" && leastRows == 16);
      }
    }
    for (const std::string& answer : answers) EXPECT_EQ(answer, answers[0]) << kind.target;
  }
}

// In batches of many tokens prompts have their own attention step: the other one is launched only if a sequence has a single token.
TEST_F(CudaProgramTest, PromptsOfManyTokensLeaveNothingToTheOtherAttention) {
  TemporaryFolder folder;
  CompileOptions options = optionsWith(folder, "head_dim", 64);
  options.dtype = "float16";
  std::string artifact = compileForStub(options, "cuda:sm_90a", {});

  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = 1;
  params.ignore_eos = true;
  for (bool hasOneAlone : {false, true}) {
    Random random(16);
    std::vector<Prompt> prompts;
    for (int i = 0; i < 8; ++i) prompts.push_back(randomPrompt(random, 40));
    if (hasOneAlone) prompts.push_back(randomPrompt(random, 1));
    std::string answers[2];
    for (const char* device : {"cpu", "cuda"}) {
      stub.reset();
      stub.major = 9;
      stub.runWith(artifact);
      EngineOptions engineOptions = optionsFor(device);
      engineOptions.kv_cache_memory = 256 * kTinyPageBytes;
      engineOptions.max_num_seqs = 16;
      engineOptions.max_num_batched_tokens = 400;
      auto engine = Engine::open(artifact, engineOptions);
      ASSERT_TRUE(engine.ok()) << engine.status().message();
      stub.calls.clear();
      auto results = (*engine)->generate(prompts, {params});
      ASSERT_TRUE(results.ok()) << results.status().message();
      EXPECT_EQ((*engine)->stats().steps, 1);
      int64_t all = callsOf("cuLaunchKernelEx ingot_attention"),
              ofPrompts = std::count_if(stub.calls.begin(), stub.calls.end(), [](const auto& call) {
                return call.starts_with("cuLaunchKernelEx ingot_attention") && call.find("_prompt ") != std::string::npos;
              });
      EXPECT_EQ(ofPrompts, device[1] == 'u' ? 2 : 0) << "one a layer";
      EXPECT_EQ(all - ofPrompts, device[1] == 'u' && hasOneAlone ? 2 : 0);
      for (const RequestOutput& one : *results) answers[device[1] == 'u'] += bitsOf(one);
    }
    EXPECT_EQ(answers[0], answers[1]);
  }
}

// A GPU that shares the host's memory reads weights from the mapped file: they are neither copied nor counted.
TEST_F(CudaProgramTest, WeightsAreReadInTheFileWhereMemoryIsShared) {
  std::string expected = answersOf(cudaArtifact(), "cpu");
  uint64_t used[2], copies[2];
  for (int shares : {0, 1}) {
    stub.reset();
    stub.sharesMemory = shares;
    stub.runWith(cudaArtifact());
    EXPECT_EQ(answersOf(cudaArtifact(), "cuda"), "cuda:sm_80" + expected.substr(expected.find('\n')));
    stub.calls.clear();
    auto engine = Engine::open(cudaArtifact(), optionsFor("cuda"));
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    used[shares] = stub.usedBytes, copies[shares] = static_cast<uint64_t>(callsOf("cuMemcpyHtoD"));
  }
  auto artifact = Artifact::open(cudaArtifact());
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_EQ(used[0] - used[1], weightRange((*artifact)->plan()).bytes);
  EXPECT_LT(copies[1], copies[0]);
}

// Partial results of splits take memory in proportion to the KV cache; CPUs have none.
TEST_F(CudaProgramTest, OnlyGpusSplitSequences) {
  auto cuda = Artifact::open(cudaArtifact()), cpu = Artifact::open(tinyArtifact());
  ASSERT_TRUE(cuda.ok() && cpu.ok());
  for (const auto* variant : *(*cuda)->plan().variants()) EXPECT_TRUE(splitsSequences(*variant)) << variant->target()->str();
  for (const auto* variant : *(*cpu)->plan().variants()) EXPECT_FALSE(splitsSequences(*variant)) << variant->target()->str();
}

}  // namespace
}  // namespace ingot::test
