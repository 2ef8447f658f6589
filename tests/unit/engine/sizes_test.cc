// Sizes that nobody named, by the device.
#include "runtime/engine/sizes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/support.h"

namespace ingot {
namespace {

using ::testing::HasSubstr;

struct StepSizes {
  int sequences, tokens;
  bool operator==(const StepSizes&) const = default;
};

class SizesTest : public ::testing::Test {
 protected:
  static Artifact& artifact() {
    static const auto opened = std::move(Artifact::open(test::tinyArtifact().string())).value();
    return *opened;
  }
  static Choice onGpu(int multiprocessors) {
    CudaDeviceInfo gpu;
    gpu.multiprocessors = multiprocessors;
    return {.variant = artifact().plan().variants()->Get(0), .gpu = gpu};
  }
  static Choice onCpu() { return {.variant = artifact().plan().variants()->Get(0)}; }
  static StepSizes of(const Choice& choice, int sequences, int tokens) {
    auto sizes = chooseSizes({.max_num_seqs = sequences, .max_num_batched_tokens = tokens}, artifact().plan(), choice);
    return sizes.ok() ? StepSizes{sizes->sequences, sizes->batchedTokens} : StepSizes{};
  }
};

TEST_F(SizesTest, OfSteps) {
  EXPECT_EQ(of(onCpu(), 0, 0), (StepSizes{64, 512}));
  EXPECT_EQ(of(onGpu(132), 0, 0), (StepSizes{256, 2048}));
  EXPECT_EQ(of(onGpu(16), 0, 0), (StepSizes{256, 512}));
}

TEST_F(SizesTest, WhatIsNamedBoundsWhatIsNot) {
  EXPECT_EQ(of(onCpu(), 0, 7), (StepSizes{7, 7}));
  EXPECT_EQ(of(onCpu(), 600, 0), (StepSizes{600, 600}));
  EXPECT_EQ(of(onGpu(132), 3, 0), (StepSizes{3, 2048}));
  EXPECT_EQ(of(onGpu(132), 5, 9), (StepSizes{5, 9}));
}

TEST_F(SizesTest, AreRefusedByName) {
  auto refusal = [](const EngineOptions& options) { return chooseSizes(options, artifact().plan(), onCpu()).status().message(); };
  EXPECT_THAT(refusal({.threads = -1}), HasSubstr("threads is -1"));
  EXPECT_THAT(refusal({.device_timeout = 0}), HasSubstr("device_timeout is 0"));
  EXPECT_THAT(refusal({.max_num_seqs = -1}), HasSubstr("max_num_seqs is -1"));
  EXPECT_THAT(refusal({.max_num_seqs = 4097}), HasSubstr("expected 1 to 4096"));
  EXPECT_THAT(refusal({.max_num_batched_tokens = 65537}), HasSubstr("expected 1 to 65536"));
  EXPECT_THAT(refusal({.max_num_seqs = 64, .max_num_batched_tokens = 63}), HasSubstr("max_num_batched_tokens is 63, expected max_num_seqs (64)"));
  EXPECT_THAT(refusal({.gpu_memory_utilization = 1.5}), HasSubstr("gpu_memory_utilization is 1.5"));
  EXPECT_THAT(refusal({.kv_cache_memory = 1 << 20, .gpu_memory_utilization = 0.5}), HasSubstr("give one"));
  EXPECT_THAT(refusal({.kv_cache_memory = 100}), HasSubstr("is 100 bytes, one page of this model needs 4096"));
}

}  // namespace
}  // namespace ingot
