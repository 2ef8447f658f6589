// The tiny model on the driver stub, for tests of CUDA programs.
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

// Compile a model with placeholder text as its GPU code, and with the emulated code that the stub runs instead.
std::string compileForStub(CompileOptions options, const std::string& target, const CudaChoices& choices);
std::string compileTiny(const std::filesystem::path& path, const std::string& target, const CudaChoices& choices);
const std::string& cudaArtifact();
// For a GPU whose launches may begin early; single-token batches run as one kernel.
const std::string& persistentArtifact();

// Two tokens after a prompt of three: one batch of a prompt, one that decodes.
Result<std::vector<RequestOutput>> generateShort(Engine& engine);

class CudaProgramTest : public ::testing::Test {
 protected:
  CudaProgramTest() { stub.reset(); }
  ~CudaProgramTest() override;

  // open() waits for its background work, so that the order of driver calls is deterministic.
  static EngineOptions optionsFor(const std::string& device);
  static std::string refusal(const EngineOptions& options);
  int64_t callsOf(std::string_view name) const;
  // The bits of answers, with log-probabilities, to prompts whose lengths are around page boundaries.
  std::string answersOf(const std::string& artifact, const std::string& device);
  // Fails each call in turn, with few graphs to capture: expects an error Status, or a warning if it is a capture, and no leak.
  void failEveryCall(const std::string& artifact);

  CudaStub& stub = cudaStub();
};

}  // namespace ingot::test
