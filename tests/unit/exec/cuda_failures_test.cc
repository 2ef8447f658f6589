// A GPU that fails, hangs, is missing or does not match: the errors, and that nothing leaks.
#include "tests/unit/exec/cuda_program.h"

namespace ingot::test {
namespace {

TEST_F(CudaProgramTest, EveryCallThatFailsIsAStatus) { failEveryCall(cudaArtifact()); }

TEST_F(CudaProgramTest, AGpuLostInTheMiddleEndsRequestsAndNotTheProcess) {
  auto engine = Engine::open(cudaArtifact(), optionsFor("cuda"));
  ASSERT_TRUE(engine.ok());
  ASSERT_TRUE(generateShort(**engine).ok());
  stub.failAt = static_cast<int64_t>(stub.calls.size()) + 6;
  stub.failWith = 719;
  auto lost = generateShort(**engine);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.status().code(), StatusCode::deviceLost);
  EXPECT_THAT(lost.status().message(), AllOf(HasSubstr("Stub GPU"), HasSubstr("unspecified launch failure"), HasSubstr("restart the process")));
  EXPECT_FALSE(generateShort(**engine).ok());
}

TEST_F(CudaProgramTest, AGpuThatHangsEndsRequestsAndIsLeftAlone) {
  EngineOptions options = optionsFor("cuda");
  options.device_timeout = 0.05;
  std::ptrdiff_t calls = 0;  // by the time it was lost
  {
    auto engine = Engine::open(cudaArtifact(), options);
    ASSERT_TRUE(engine.ok());
    stub.notReady = 3;
    ASSERT_TRUE(generateShort(**engine).ok());
    stub.hangs = true;
    auto lost = generateShort(**engine);
    ASSERT_FALSE(lost.ok());
    EXPECT_EQ(lost.status().code(), StatusCode::deviceLost);
    EXPECT_THAT(lost.status().message(), AllOf(HasSubstr("Stub GPU"), HasSubstr("in 0.05 s"), HasSubstr("restart the process")));
    calls = std::ssize(stub.calls);
    EXPECT_EQ(generateShort(**engine).status().message(), lost.status().message());
    EXPECT_EQ(std::ssize(stub.calls), calls);
  }
  EXPECT_THAT(stub.problems, ::testing::IsEmpty());  // no call waits for the GPU
  EXPECT_FALSE(std::any_of(stub.calls.begin() + calls, stub.calls.end(), [](const std::string& call) { return call == "cuEventQuery"; }));
  EXPECT_GT(stub.live, 0);
  stub.reset();
}

TEST_F(CudaProgramTest, RefusalsSayWhatWouldDo) {
  stub.major = 7, stub.minor = 5;
  EXPECT_THAT(refusal(optionsFor("cuda")), AllOf(HasSubstr("cuda:sm_80"), HasSubstr("sm_75"), HasSubstr("--target=cuda:sm_75")));
  stub.major = 9, stub.minor = 0;
  EXPECT_THAT(refusal(optionsFor("cuda")), HasSubstr("--target=cuda:sm_90a"));
  stub.major = 13, stub.minor = 0;
  EXPECT_THAT(refusal(optionsFor("cuda")), HasSubstr("compile with --target=cuda, whose"));
  stub.major = 7, stub.minor = 0;
  EXPECT_THAT(refusal(optionsFor("cuda")), HasSubstr("GPUs before sm_75 are not supported"));
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
