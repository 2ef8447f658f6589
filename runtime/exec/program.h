// A loaded variant: code mapped, weights in place, buffers and KV pages bound. Runs one step of a batch; knows no requests.
#pragma once

#include <memory>

#include "runtime/device/cpu/code.h"
#include "runtime/device/cpu/thread_team.h"
#include "runtime/device/memory.h"
#include "runtime/exec/batch.h"
#include "runtime/format/artifact.h"

namespace ingot {

// Time and calls of one step of the program, summed over runs.
struct StepProfile {
  const plan::Step* step;
  double seconds = 0;
};

// Thread-compatible. Refers to the artifact, which must outlive it.
class Program {
 public:
  // The variant of the artifact that suits this machine best; the error names what the file has and what is missing.
  static Result<const plan::Variant*> chooseVariant(const Artifact& artifact);

  static Result<std::unique_ptr<Program>> load(const Artifact& artifact, const plan::Variant& variant, const BatchLimits& limits, int32_t pages,
                                               int threads);

  // Computes the batch: keys and values go to its pages, logits() has one row for each wanted token.
  void run(const Batch& batch);
  std::span<float> logits(int32_t row);

  int threads() const { return team_.threads(); }
  const plan::Variant& variant() const { return variant_; }
  static uint64_t cacheBytesPerPage(const plan::Plan& plan, const plan::Variant& variant);

  void startProfile();
  const std::vector<StepProfile>& profile() const { return profile_; }

 private:
  class Walk;
  struct BoundStep {
    IngotTileFunction function;
    IngotKernelArgs args;
    std::vector<void*> operands;
    int64_t tiles;
    plan::Extent extent;
  };

  Program(const Artifact& artifact, const plan::Variant& variant, int threads) : artifact_(artifact), variant_(variant), team_(threads) {}
  Status bind(const BatchLimits& limits, int32_t pages);
  void* addressOf(const plan::Operand& operand);

  const Artifact& artifact_;
  const plan::Variant& variant_;
  CodeMapping code_;
  std::vector<Memory> slots_;
  Memory cache_;
  std::vector<Memory> scratch_;  // per worker
  std::vector<BoundStep> steps_;
  std::vector<StepProfile> profile_;
  bool profiling_ = false;
  ThreadTeam team_;
};

}  // namespace ingot
