// A program on CPU threads: code mapped from the file, weights read in place.
#pragma once

#include "runtime/device/cpu/code.h"
#include "runtime/device/cpu/thread_team.h"
#include "runtime/device/memory.h"
#include "runtime/exec/program.h"

namespace ingot {

class CpuProgram : public Program {
 public:
  static Result<std::unique_ptr<Program>> load(const Artifact& artifact, const plan::Variant& variant, const BatchLimits& limits, int32_t pages,
                                               int threads);

  Status begin(const Batch& batch) override;
  Status finish() override { return {}; }
  std::span<float> logits(int32_t row) override;
  int32_t chosen(int32_t row) const override { return resultOf<int32_t>(variant_.chosen_slot(), row); }
  const IngotLogprobs& logprobs(int32_t row) const override { return resultOf<IngotLogprobs>(variant_.logprobs_slot(), row); }
  int threads() const override { return team_.threads(); }

 private:
  class Walk;
  struct BoundStep {
    IngotTileFunction function;  // for the current batch, as args
    IngotKernelArgs args;
    std::vector<void*> operands;
    const plan::Step* step;
  };

  CpuProgram(const Artifact& artifact, const plan::Variant& variant, const BatchLimits& limits, int threads)
      : Program(variant, limits), artifact_(artifact), team_(threads) {}
  Status bind();
  void* addressOf(const plan::Operand& operand);
  template <class T>
  const T& resultOf(int32_t slot, int32_t row) const {
    return reinterpret_cast<const T*>(slots_[static_cast<size_t>(slot)].data())[row];
  }

  const Artifact& artifact_;
  CodeMapping code_;
  std::vector<Memory> slots_;
  Memory cache_;
  Memory filled_;                // random weights that the file does not hold
  std::vector<Memory> scratch_;  // per worker
  std::vector<BoundStep> steps_;
  ThreadTeam team_;
};

}  // namespace ingot
