// The tiny model on a driver that is none, for the tests of what runs on GPUs.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/pipeline/pipeline.h"
#include "runtime/exec/program.h"
#include "runtime/format/artifact.h"
#include "tests/support/cuda_stub/cuda_stub.h"
#include "tests/unit/engine/support.h"

namespace ingot::test {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A model with code for GPUs that is only text, and the emulated code that the stub runs in its place.
std::string compileForStub(CompileOptions options, const std::string& target, const CudaChoices& choices);
std::string compileTiny(const std::filesystem::path& path, const std::string& target, const CudaChoices& choices);
const std::string& cudaArtifact();
// Of a GPU whose launches may begin early; a token alone runs as one kernel.
const std::string& persistentArtifact();

// A prompt of three tokens and two more: a batch of a prompt, and one that decodes.
Result<std::vector<RequestOutput>> generateShort(Engine& engine);

class CudaProgramTest : public ::testing::Test {
 protected:
  CudaProgramTest() { stub.reset(); }
  ~CudaProgramTest() override;

  // Everything that open() begins ends in it: calls of the driver come in one order.
  static EngineOptions optionsFor(const std::string& device);
  static std::string refusal(const EngineOptions& options);
  int64_t callsOf(std::string_view name) const;
  // The bits of answers to prompts around the edges of pages, with log-probabilities.
  std::string answersOf(const std::string& artifact, const std::string& device);
  // Of an engine that captures no more than two buckets of tokens: a Status each, or a warning where graphs fail, and nothing is left.
  void failEveryCall(const std::string& artifact);

  CudaStub& stub = cudaStub();
};

}  // namespace ingot::test
