// Small batches as one kernel that walks all steps.
#include "tests/unit/exec/cuda_program.h"

namespace ingot::test {
namespace {

class CudaPersistentTest : public CudaProgramTest {
 protected:
  CudaPersistentTest() { stub.major = 9; }
};

TEST_F(CudaPersistentTest, AnswersAsTheEmulatorDoes) {
  std::string expected = answersOf(cudaArtifact(), "cpu");
  stub.runWith(persistentArtifact());
  EXPECT_EQ(answersOf(persistentArtifact(), "cuda"), "cuda:sm_90a" + expected.substr(expected.find('\n')));
  EXPECT_GT(callsOf("cuLaunchKernelEx ingot_program 4 x 256"), 5);
}

TEST_F(CudaPersistentTest, WhatIsWalkedHasNoGraphs) {
  for (int tokens : {16, 17}) {
    EngineOptions options = optionsFor("cuda");
    options.max_num_batched_tokens = tokens;
    ASSERT_TRUE(Engine::open(persistentArtifact(), options).ok());
    EXPECT_EQ(callsOf("cuStreamBeginCapture") > 0, tokens > 16);
  }
}

TEST_F(CudaPersistentTest, EveryCallThatFailsIsAStatus) { failEveryCall(persistentArtifact()); }

}  // namespace
}  // namespace ingot::test
