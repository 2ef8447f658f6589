// Graphs of small batches: which are captured, in which order, and that batches run before and without them.
#include "tests/unit/exec/cuda_program.h"

namespace ingot::test {
namespace {

// The launches of batches of these sizes, in order.
std::vector<std::string> launchesOf(const plan::Variant& variant, std::span<const IngotBatch> batches) {
  std::vector<std::string> launches;
  for (const IngotBatch& batch : batches)
    for (const auto* step : *variant.steps()) {
      StepRun run = runOf(*step, batch);
      if (run.tiles == 0) continue;
      const auto* kernel = variant.kernels()->Get(run.kernel);
      launches.push_back(fmt::format("cuLaunchKernelEx {} {} x {}", kernel->entry()->str(), run.tiles, kernel->threads()));
    }
  return launches;
}
IngotBatch batchOf(int32_t tokens, int32_t splits, bool areTogether) {
  return {.num_tokens = tokens, .num_sequences = tokens, .num_rows = tokens, .num_blocks = tokens, .num_splits = splits, .are_apart = !areTogether};
}

class CudaGraphsTest : public CudaProgramTest {
 protected:
  CudaGraphsTest() {
    auto opened = Artifact::open(cudaArtifact());
    if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.status().message().c_str()), std::abort();
    artifact = std::move(opened).value();
  }
  const plan::Variant& variant() const { return *artifact->plan().variants()->Get(0); }
  std::vector<std::string> launches() const {
    std::vector<std::string> launches;
    std::copy_if(stub.calls.begin(), stub.calls.end(), std::back_inserter(launches),
                 [](const std::string& call) { return call.starts_with("cuLaunchKernelEx "); });
    return launches;
  }

  std::unique_ptr<Artifact> artifact;
};

// The longest sequence has 128 tokens, which are one split: decoding makes one per token, prompts one per query block. Decoding batches come first.
TEST_F(CudaGraphsTest, AreCapturedFromTheSmallestBatchOn) {
  auto engine = Engine::open(cudaArtifact(), optionsFor("cuda"));
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  std::vector<IngotBatch> expected;
  for (int32_t tokens : {1, 2, 4, 8, 16, 32, 64}) expected.push_back(batchOf(tokens, tokens, false));
  for (int32_t tokens : {2, 4, 8, 16, 32, 64})
    for (int32_t splits = std::max(1, tokens / 16); splits <= tokens; splits *= 2) expected.push_back(batchOf(tokens, splits, true));
  EXPECT_EQ(launches(), launchesOf(variant(), expected));
  EXPECT_EQ(callsOf("cuGraphInstantiate"), std::ssize(expected));
  EXPECT_EQ(callsOf("cuModuleLoadData"), variant().kernels()->size());
  ASSERT_TRUE(generateShort(**engine).ok());
  EXPECT_EQ(callsOf("cuGraphLaunch"), 2);
  EXPECT_EQ(launches().size(), launchesOf(variant(), expected).size());
  EXPECT_EQ((*engine)->stats().warning, "");
}

// The second bucket's capture is delayed: a prompt of three tokens runs without a graph, the following token with one.
TEST_F(CudaGraphsTest, StepsDoNotWaitForThem) {
  EngineOptions options = optionsFor("cuda");
  stub.runWith(cudaArtifact());
  std::string expected, answer;
  {
    auto engine = Engine::open(cudaArtifact(), options);
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    expected = bitsOf(generateShort(**engine).value()[0]);
  }
  std::atomic<int> captures = 0;
  std::atomic<bool> released = false;
  stub.calls.clear();
  stub.before = [&](const std::string& call) {
    if (call != "cuStreamBeginCapture" || ++captures < 2) return;
    captures.notify_all();
    released.wait(false);
  };
  options.wait_for_graphs = false;
  auto engine = Engine::open(cudaArtifact(), options);
  if (engine.ok()) {
    captures.wait(0), captures.wait(1);
    auto result = generateShort(**engine);
    if (result.ok()) answer = bitsOf((*result)[0]);
  }
  std::vector<std::string> launched = launches();
  int64_t replayed = callsOf("cuGraphLaunch");
  released = true;
  released.notify_all();
  engine->reset();
  EXPECT_EQ(answer, expected);
  EXPECT_EQ(replayed, 1);
  IngotBatch prompt = batchOf(3, 1, true);
  prompt.num_rows = prompt.num_blocks = 1;
  EXPECT_EQ(launched, launchesOf(variant(), std::vector{batchOf(1, 1, false), prompt}));
}

// Also leaves nothing allocated, which the fixture checks.
TEST_F(CudaGraphsTest, EndInTheMiddle) {
  EngineOptions options = optionsFor("cuda");
  options.wait_for_graphs = false;
  for (int last : {1, 2, 5}) {
    std::atomic<int> captures = 0;
    stub.before = [&](const std::string& call) {
      captures += call == "cuStreamBeginCapture";
      captures.notify_all();
    };
    auto engine = Engine::open(cudaArtifact(), options);
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    for (int seen = 0; seen < last; seen = captures) captures.wait(seen);
    engine->reset();
    EXPECT_EQ(stub.live, 0);
  }
}

TEST_F(CudaGraphsTest, WithoutThemStepsAreLaunchedOneByOne) {
  stub.before = [&](const std::string& call) { stub.failAt = call == "cuGraphInstantiate" ? static_cast<int64_t>(stub.calls.size()) : -1; };
  auto engine = Engine::open(cudaArtifact(), optionsFor("cuda"));
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_THAT((*engine)->stats().warning, AllOf(HasSubstr("Stub GPU: small batches are slower"), HasSubstr("cuGraphInstantiate")));
  EXPECT_TRUE(generateShort(**engine).ok());
  EXPECT_EQ(callsOf("cuGraphInstantiate"), 1) << "the first failure is the last capture";
  EXPECT_EQ(callsOf("cuGraphLaunch"), 0);
}

}  // namespace
}  // namespace ingot::test
