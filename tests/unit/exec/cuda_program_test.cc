// The CUDA side of the runtime against a driver that is none: answers, launches, refusals, and every call made to fail once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/pipeline/pipeline.h"
#include "runtime/exec/program.h"
#include "runtime/format/artifact.h"
#include "tests/support/cuda_stub/cuda_stub.h"
#include "tests/unit/engine/support.h"

namespace ingot::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kStub = std::string(INGOT_BINARY_DIR) + "/stub/libcuda.so.1";

// The tiny model with code for GPUs that is only text, and the emulated code that the stub runs in its place.
std::string compileTiny(const std::filesystem::path& path, const std::string& target, const CudaChoices& choices) {
  CompileOptions options = tinyOptions(tinyCheckpoint(), path);
  options.targets = {target, "cuda-emulated"};
  options.code.cuda = choices;
  options.code.cudaCompile = [](const SourceUnit& unit, const std::string&) { return NvrtcOutput{unit.symbol, "", 13000}; };
  Status status = compileModel(options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str()), std::abort();
  return path.string();
}
const std::string& cudaArtifact() {
  static const TemporaryFolder folder;
  static const std::string path = compileTiny(folder / "cuda.ingot", "cuda:sm_80", {});
  return path;
}
// Of a GPU whose launches may begin early; batches of a few tokens run as one kernel.
const std::string& persistentArtifact() {
  static const TemporaryFolder folder;
  static const std::string path = compileTiny(folder / "persistent.ingot", "cuda:sm_90a", {.persistentTokens = 16});
  return path;
}

class CudaProgramTest : public ::testing::Test {
 protected:
  CudaProgramTest() { stub.reset(); }
  ~CudaProgramTest() override {
    EXPECT_EQ(stub.live, 0);
    EXPECT_EQ(stub.usedBytes, 0u);
    EXPECT_THAT(stub.problems, ::testing::IsEmpty());
  }

  static EngineOptions optionsFor(const std::string& device) {
    EngineOptions options;
    options.device = device;
    options.cuda_library = kStub;
    options.threads = 1;
    options.kv_cache_memory = 8 * kTinyPageBytes;
    options.max_num_seqs = 4;
    options.max_num_batched_tokens = 64;
    return options;
  }
  static std::string refusal(const EngineOptions& options) {
    auto engine = Engine::open(cudaArtifact(), options);
    return engine.ok() ? "" : engine.status().message();
  }
  // A prompt of three tokens and two more: a batch of a prompt, and one that decodes.
  static Result<std::vector<RequestOutput>> generateShort(Engine& engine) {
    SamplingParams params;
    params.temperature = 0;
    params.max_tokens = 2;
    params.ignore_eos = true;
    return engine.generate({Prompt(std::vector<int32_t>{5, 6, 7})}, {params});
  }
  // Calls visit(artifact) for both.
  template <class Visit>
  void forEachArtifact(const Visit& visit) {
    for (bool isPersistent : {false, true}) {
      stub.reset();
      if (isPersistent) stub.major = 9;
      visit(isPersistent ? persistentArtifact() : cudaArtifact());
    }
  }
  int64_t callsOf(std::string_view name) const {
    return std::count_if(stub.calls.begin(), stub.calls.end(), [&](const std::string& call) { return call.starts_with(name); });
  }

  CudaStub& stub = cudaStub();
};

TEST_F(CudaProgramTest, AnswersAsTheEmulatorDoes) {
  Random random(11);
  std::vector<Prompt> prompts;
  for (int64_t length : {1, 3, 16, 17, 40}) prompts.push_back(randomPrompt(random, length));
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = 6;
  params.ignore_eos = true;
  params.logprobs = 4;
  params.prompt_logprobs = 2;
  std::string given;
  auto answer = [&](const std::string& artifact, const std::string& device, const std::string& target) {
    EngineOptions options = optionsFor(device);
    options.kv_cache_memory = 64 * kTinyPageBytes;
    auto engine = Engine::open(artifact, options);
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    EXPECT_EQ((*engine)->stats().target, target);
    auto results = (*engine)->generate(prompts, {params});
    ASSERT_TRUE(results.ok()) << results.status().message();
    for (const RequestOutput& one : *results) given += bitsOf(one) + "\n";
  };
  answer(cudaArtifact(), "cpu", "cuda-emulated");
  std::string expected = std::exchange(given, "");
  forEachArtifact([&](const std::string& artifact) {
    stub.runWith(artifact);
    answer(artifact, "cuda", artifact == cudaArtifact() ? "cuda:sm_80" : "cuda:sm_90a");
    EXPECT_EQ(std::exchange(given, ""), expected);
    EXPECT_GT(callsOf(artifact == cudaArtifact() ? "cuGraphLaunch" : "cuLaunchKernelEx ingot_program 4 x 256"), 5);
  });
}

// Requests with every setting and prompts of many lengths.
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
    params.push_back(one);
  }
  return {prompts, params};
}

// Log-probabilities of the whole vocabulary bring logits to the host, which draws from them itself: the same tokens as without.
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

// The log-probabilities that the device finds are those of the whole vocabulary that the host finds, with their ranks; prompts in chunks.
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

// With a recipe in place of weights, both sides make the same ones.
TEST_F(CudaProgramTest, RandomWeightsAreMadeWhereTheyAreRead) {
  TemporaryFolder folder;
  std::string answers[2];
  for (const char* quantize : {"none", "int4"}) {
    CompileOptions options = tinyOptions(tinyCheckpoint(), folder / "random.ingot");
    options.targets = {"cuda:sm_80", "cuda-emulated"};
    options.code.cudaCompile = [](const SourceUnit& unit, const std::string&) { return NvrtcOutput{unit.symbol, "", 13000}; };
    options.random_weights = 7;
    options.quantize = quantize;
    Status status = compileModel(options);
    ASSERT_TRUE(status.ok()) << status.message();
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

// Long prompts go through larger kernels, one of 16 tokens through the first of them; neither the answer nor its bits tell.
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
                    {"cuda:sm_90a", "float16", "int4", "_wide_codes"}}) {
    std::vector<std::string> answers;
    for (int64_t leastRows : {1000, 16}) {
      CompileOptions options = tinyOptions(tinyCheckpoint(), folder / "many.ingot");
      options.targets = {kind.target, "cuda-emulated"};
      options.dtype = kind.dtype;
      options.quantize = kind.quantize;
      options.code.cudaCompile = [](const SourceUnit& unit, const std::string&) { return NvrtcOutput{unit.symbol, "", 13000}; };
      options.code.cuda.largerRows = leastRows;
      Status status = compileModel(options);
      ASSERT_TRUE(status.ok()) << status.message();
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

// Results of splits take memory by the size of the KV cache; CPUs have none.
TEST_F(CudaProgramTest, OnlyGpusSplitSequences) {
  auto cuda = Artifact::open(cudaArtifact()), cpu = Artifact::open(tinyArtifact());
  ASSERT_TRUE(cuda.ok() && cpu.ok());
  for (const auto* variant : *(*cuda)->plan().variants()) EXPECT_TRUE(splitsSequences(*variant)) << variant->target()->str();
  for (const auto* variant : *(*cpu)->plan().variants()) EXPECT_FALSE(splitsSequences(*variant)) << variant->target()->str();
}

TEST_F(CudaProgramTest, LaunchesTheStepsInTheirOrder) {
  auto artifact = Artifact::open(cudaArtifact());
  ASSERT_TRUE(artifact.ok());
  {
    auto engine = Engine::open(cudaArtifact(), optionsFor("cuda"));
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    ASSERT_TRUE(generateShort(**engine).ok());
  }
  // Graphs are captured for 4 tokens and for 1: twice the steps, with the grids of those sizes.
  const plan::Variant& variant = *(*artifact)->plan().variants()->Get(0);
  std::vector<std::string> launches, expected;
  for (const std::string& call : stub.calls)
    if (call.starts_with("cuLaunchKernelEx ")) launches.push_back(call);
  for (int32_t bucket : {4, 1})
    for (const auto* step : *variant.steps()) {
      IngotBatch sizes{
          .num_tokens = bucket, .num_sequences = bucket, .num_rows = bucket, .num_blocks = bucket, .num_splits = bucket == 4 ? 1 : bucket};
      const auto* kernel = variant.kernels()->Get(step->kernel());
      expected.push_back(fmt::format("cuLaunchKernelEx {} {} x {}", kernel->entry()->str(), tilesOf(*step, sizes), kernel->threads()));
    }
  EXPECT_EQ(launches, expected);
  EXPECT_EQ(callsOf("cuGraphLaunch"), 2);
  EXPECT_EQ(callsOf("cuModuleLoadData"), variant.kernels()->size());
}

TEST_F(CudaProgramTest, EveryCallThatFailsIsAStatus) {
  forEachArtifact([&](const std::string& artifact) {
    int64_t calls = 0;
    {
      auto engine = Engine::open(artifact, optionsFor("cuda"));
      ASSERT_TRUE(engine.ok());
      ASSERT_TRUE(generateShort(**engine).ok());
      calls = static_cast<int64_t>(stub.calls.size());
    }
    for (int64_t at = 0; at < calls; ++at) {
      int major = stub.major;
      stub.reset();
      stub.major = major;
      stub.failAt = at;
      auto engine = Engine::open(artifact, optionsFor("cuda"));
      Status status = engine.status();
      if (engine.ok()) {
        status = generateShort(**engine).status();
        if (!status.ok()) {
          stub.failAt = -1;  // the device is lost all the same
          EXPECT_EQ(generateShort(**engine).status().message(), status.message());
        }
      }
      std::string name = stub.calls[static_cast<size_t>(at)];
      name = name.substr(0, name.find(' '));
      if (name == "cuGraphDestroy" || name == "cuInit") continue;  // nothing to do about the one; the other one was called before
      EXPECT_THAT(status.message(), AllOf(HasSubstr(name), HasSubstr("CUDA_ERROR_UNKNOWN"))) << "call " << at;
      if (engine.ok()) engine->reset();
      EXPECT_EQ(stub.live, 0) << "after call " << at << ", " << name;
    }
  });
}

TEST_F(CudaProgramTest, AGpuLostInTheMiddleEndsRequestsAndNotTheProcess) {
  auto engine = Engine::open(cudaArtifact(), optionsFor("cuda"));
  ASSERT_TRUE(engine.ok());
  ASSERT_TRUE(generateShort(**engine).ok());
  stub.failAt = static_cast<int64_t>(stub.calls.size()) + 6;
  stub.failWith = 719;
  auto lost = generateShort(**engine);
  ASSERT_FALSE(lost.ok());
  EXPECT_THAT(lost.status().message(), AllOf(HasSubstr("Stub GPU"), HasSubstr("unspecified launch failure"), HasSubstr("restart the process")));
  EXPECT_FALSE(generateShort(**engine).ok());
}

TEST_F(CudaProgramTest, RefusalsSayWhatWouldDo) {
  stub.major = 7, stub.minor = 5;
  EXPECT_THAT(refusal(optionsFor("cuda")), AllOf(HasSubstr("cuda:sm_80"), HasSubstr("sm_75"), HasSubstr("--target=cuda:sm_75")));
  stub.major = 9, stub.minor = 0;
  EXPECT_THAT(refusal(optionsFor("cuda")), HasSubstr("--target=cuda:sm_90a"));
  stub.reset();
  stub.driverVersion = 12040;
  EXPECT_THAT(refusal(optionsFor("cuda")), AllOf(HasSubstr("speaks CUDA 12.4"), HasSubstr("needs 13.0")));
  stub.reset();
  EXPECT_THAT(refusal(optionsFor("cuda:3")), HasSubstr("there are 1 GPUs"));
  EXPECT_THAT(refusal(optionsFor("cuda:x")), HasSubstr("expected auto, cpu, cuda or cuda:i"));
  EXPECT_THAT(refusal(optionsFor("tpu")), HasSubstr("device tpu"));
  EngineOptions none = optionsFor("cuda");
  none.cuda_library = "libcuda-that-is-not.so";
  EXPECT_THAT(refusal(none), AllOf(HasSubstr("device cuda"), HasSubstr("no CUDA driver"), HasSubstr("--device cpu")));
  none.device = "auto";
  EXPECT_EQ(refusal(none), "");
}

TEST_F(CudaProgramTest, TooLittleMemoryIsSaidBeforeTheWork) {
  stub.memoryBytes = 400 << 10;
  EngineOptions options = optionsFor("cuda");
  options.kv_cache_memory = 1 << 20;
  EXPECT_THAT(refusal(options), AllOf(HasSubstr("weights"), HasSubstr("KV cache 1.0 MiB"), HasSubstr("would fit")));
  EXPECT_EQ(callsOf("cuMemAlloc"), 0);
  stub.memoryBytes = 1000;
  EXPECT_THAT(refusal(options), HasSubstr("quantise it"));
}

TEST_F(CudaProgramTest, AutoTakesTheGpuThatIsThere) {
  auto gpu = Engine::open(cudaArtifact(), optionsFor("auto"));
  ASSERT_TRUE(gpu.ok());
  EXPECT_EQ((*gpu)->stats().target, "cuda:sm_80");
  EXPECT_EQ((*gpu)->stats().warning, "");
  gpu->reset();
  stub.gpus = 0;
  auto cpu = Engine::open(cudaArtifact(), optionsFor("auto"));
  ASSERT_TRUE(cpu.ok());
  EXPECT_EQ((*cpu)->stats().target, "cuda-emulated");
  EXPECT_THAT((*cpu)->stats().warning, AllOf(HasSubstr("runs on the CPU"), HasSubstr("there are 0 GPUs here")));
  auto asked = Engine::open(cudaArtifact(), optionsFor("cpu"));
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ((*asked)->stats().warning, "");
}

}  // namespace
}  // namespace ingot::test
