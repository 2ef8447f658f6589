// Compiling to a file: the same bytes each time, several targets in one file, and nothing left behind by a failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>

#include "compiler/pipeline/pipeline.h"
#include "runtime/format/artifact.h"
#include "tests/support/tiny_artifact.h"
#include "tests/support/tiny_checkpoint.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

size_t entries(const fs::path& folder) { return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator())); }

TEST(Emit, TheSameInputGivesTheSameBytes) {
  test::TemporaryFolder folder;
  for (const char* quantize : {"none", "int4"}) {
    for (int jobs : {1, 2}) {
      CompileOptions options = test::tinyOptions(test::tinyCheckpoint(), folder / std::to_string(jobs));
      options.quantize = quantize;
      options.jobs = jobs;
      Status status = compileModel(options);
      ASSERT_TRUE(status.ok()) << status.message();
    }
    EXPECT_TRUE(test::readFile(folder / "1") == test::readFile(folder / "2")) << quantize;
  }
  // From a copy of the checkpoint in another place, too.
  fs::copy(test::tinyCheckpoint(), folder / "copy");
  ASSERT_TRUE(compileModel(test::tinyOptions(folder / "copy", folder / "3")).ok());
  EXPECT_TRUE(test::readFile(folder / "3") == test::readFile(test::tinyArtifact()));
}

TEST(Emit, SeveralTargetsShareTheWeights) {
  test::TemporaryFolder folder;
  CompileOptions options = test::tinyOptions(test::tinyCheckpoint(), folder / "out");
  options.targets = {"cpu:x86-64-v3", "cpu:x86-64-v4+vnni", "cpu:aarch64+dotprod"};
  Status status = compileModel(options);
  ASSERT_TRUE(status.ok()) << status.message();
  auto artifact = Artifact::open(options.output);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  const auto& variants = *(*artifact)->plan().variants();
  ASSERT_EQ(variants.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(variants.Get(i)->target()->str(), options.targets[i]);
    EXPECT_EQ(variants.Get(i)->weights()->size(), variants.Get(0)->weights()->size());
  }
  EXPECT_TRUE((*artifact)->verifyBody([](uint64_t, uint64_t) {}).ok());
}

// The norm of a key's only head is none of whole rows.
TEST(Emit, OneKvHeadWithANormCompiles) {
  test::TemporaryFolder folder;
  auto config = nlohmann::ordered_json::parse(std::ifstream(fs::path(INGOT_SOURCE_DIR) / "tests/golden/models/data/qwen3/config.json"));
  config["num_key_value_heads"] = 1;
  std::ofstream(folder / "config.json") << config;
  for (const char* quantize : {"none", "int8"}) {
    CompileOptions options = test::tinyOptions(folder.path(), folder / "out");
    options.random_weights = 1;
    options.quantize = quantize;
    options.to = Phase::lower;
    Status status = compileModel(options);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

TEST(Emit, ATargetTwiceOrUnknownIsRefused) {
  test::TemporaryFolder folder;
  CompileOptions options = test::tinyOptions(test::tinyCheckpoint(), folder / "out");
  options.targets = {"cpu:x86-64-v3", "cpu:x86-64-v3"};
  EXPECT_EQ(compileModel(options).code(), StatusCode::invalidArgument);
  options.targets = {"cpu:z80"};
  EXPECT_THAT(compileModel(options).message(), HasSubstr("x86-64-v3"));
  options.targets = {"cpu:x86-64-v3+dotprod"};
  EXPECT_THAT(compileModel(options).message(), HasSubstr("has no feature \"dotprod\""));
  EXPECT_EQ(entries(folder.path()), 0u);
}

TEST(Emit, ACancelAtAnyProgressLeavesNothing) {
  test::TemporaryFolder folder;
  for (int stopAt = 0; stopAt < 12; stopAt += 2) {
    std::atomic<bool> cancelled{false};
    int calls = 0;
    CompileOptions options = test::tinyOptions(test::tinyCheckpoint(), folder / "out");
    options.cancelled = &cancelled;
    options.progress = [&](std::string_view, uint64_t, uint64_t) { cancelled = calls++ == stopAt || cancelled; };
    Status status = compileModel(options);
    EXPECT_EQ(status.code(), StatusCode::cancelled) << "at call " << stopAt << ": " << status.message();
    EXPECT_EQ(entries(folder.path()), 0u);
  }
}

TEST(Emit, BadWeightsFoundWhileWritingLeaveNothing) {
  test::TemporaryFolder folder;
  auto checkpoint = test::makeTinyLlama();
  checkpoint.tensors["model.layers.1.mlp.down_proj.weight"].values[77] = std::numeric_limits<float>::quiet_NaN();
  test::writeCheckpoint(folder / "nan", checkpoint);
  Status status = compileModel(test::tinyOptions(folder / "nan", folder / "out"));
  EXPECT_EQ(status.code(), StatusCode::invalidInput);
  EXPECT_THAT(status.message(), HasSubstr("model.layers.1.mlp.down_proj.weight"));
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(Emit, AFolderThatCannotBeWrittenIsNamed) {
  CompileOptions options = test::tinyOptions(test::tinyCheckpoint(), "/proc/out.ingot");  // not even root creates files there
  Status status = compileModel(options);
  EXPECT_EQ(status.code(), StatusCode::io);
  EXPECT_THAT(status.message(), HasSubstr("/proc/out.ingot: cannot be written"));
}

TEST(Emit, FilesOfThisProcessAreClosed) {
  auto open = [] { return entries("/proc/self/fd"); };
  test::TemporaryFolder folder;
  size_t before = open();
  ASSERT_TRUE(compileModel(test::tinyOptions(test::tinyCheckpoint(), folder / "out")).ok());
  EXPECT_EQ(open(), before);
}

}  // namespace
}  // namespace ingot
