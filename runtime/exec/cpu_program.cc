#include "runtime/exec/cpu_program.h"

#include <algorithm>
#include <chrono>

#include "runtime/device/cpu/topology.h"
#include "runtime/exec/filling.h"

namespace ingot {

Result<std::unique_ptr<Program>> CpuProgram::load(const Artifact& artifact, const plan::Variant& variant, const BatchLimits& limits, int32_t pages,
                                                  int threads) {
  std::unique_ptr<CpuProgram> program(new CpuProgram(artifact, variant, limits, threads));
  // More threads than cores is an explicit request; the default makes do with those that started.
  if (int started = program->team_.threads(); started < threads && threads > usableCores())
    return Status::resourceExhausted("--threads {}: the system starts no more than {}; lower it", threads, started);
  program->setPages(pages);
  INGOT_TRY(program->bind());
  return std::unique_ptr<Program>(std::move(program));
}

Status CpuProgram::bind() {
  const auto* segment = artifact_.plan().segments()->Get(variant_.code_segment());
  INGOT_ASSIGN(code_, CodeMapping::map(artifact_.descriptor(), segment->offset(), segment->bytes()));
  for (const auto* slot : *variant_.slots()) {
    INGOT_ASSIGN(uint64_t bytes, slotBytes(*slot, limits_));
    INGOT_ASSIGN(Memory memory, Memory::allocate(bytes + 64));
    slots_.push_back(std::move(memory));
  }
  if (WeightRange range = weightRange(artifact_.plan()); range.filled) {
    INGOT_ASSIGN(filled_, Memory::allocate(range.bytes));
    for (const auto* weight : *artifact_.plan().weights()) fillWeight(*weight, {filled_.data() + weight->offset(), weight->bytes()});
  }
  INGOT_ASSIGN(uint64_t bytes, cacheBytes(artifact_.plan(), variant_, pages_));
  INGOT_ASSIGN(cache_, Memory::allocate(bytes));
  uint64_t scratchBytes = 0;
  for (const auto* kernel : *variant_.kernels()) scratchBytes = std::max(scratchBytes, kernel->scratch_bytes());
  for (int worker = 0; worker < team_.threads(); ++worker) {
    INGOT_ASSIGN(Memory memory, Memory::allocate(scratchBytes));
    scratch_.push_back(std::move(memory));
  }
  steps_.reserve(variant_.steps()->size());
  for (const auto* step : *variant_.steps()) {
    BoundStep bound{};
    for (const auto* operand : *step->operands()) bound.operands.push_back(addressOf(*operand));
    bound.step = step;
    int64_t most = step->extent() == plan::Extent::splits ? int64_t{limits_.tokens} + limits_.partials : std::max(limits_.tokens, limits_.rows);
    if (int64_t{step->tiles()} * most > ThreadTeam::kMaxTiles && step->extent() != plan::Extent::one)
      return Status::resourceExhausted("{} tokens in a step make more than {} tiles; lower max_num_batched_tokens", limits_.tokens,
                                       ThreadTeam::kMaxTiles);
    steps_.push_back(std::move(bound));
    profile_.push_back({step, 0});
  }
  for (BoundStep& step : steps_) step.args.operands = step.operands.data();
  return {};
}

void* CpuProgram::addressOf(const plan::Operand& operand) {
  switch (operand.kind()) {
    case plan::OperandKind::slot: return slots_[operand.index()].data();
    case plan::OperandKind::weight: {
      const auto* weight = artifact_.plan().weights()->Get(variant_.weights()->Get(operand.index()));
      if (weight->filling()) return filled_.data() + weight->offset();
      return const_cast<std::byte*>(artifact_.bytes().data() + weight->offset());  // kernels read weights only
    }
    case plan::OperandKind::cache_keys:
    case plan::OperandKind::cache_values: return cache_.data() + cacheOffset(variant_, operand);
  }
  return nullptr;
}

std::span<float> CpuProgram::logits(int32_t row) {
  auto* first = reinterpret_cast<float*>(slots_[variant_.logits_slot()].data() + static_cast<uint64_t>(row) * variant_.logits_row_bytes());
  return {first, artifact_.plan().model()->vocab()};
}

// Steps [first, last) of the program over one batch, as work for the thread team.
class CpuProgram::Walk : public TeamWork {
 public:
  Walk(CpuProgram& program, const IngotBatch& batch, int64_t first, int64_t last) : program_(program), batch_(batch), first_(first), last_(last) {}
  int64_t steps() const override { return last_ - first_; }
  int64_t tiles(int64_t step) const override { return tilesOf(*at(step).step, batch_); }
  void compute(int64_t step, int64_t first, int64_t last, int worker) override {
    const BoundStep& bound = at(step);
    bound.function(&bound.args, first, last, program_.scratch_[static_cast<size_t>(worker)].data());
  }

 private:
  const BoundStep& at(int64_t step) const { return program_.steps_[static_cast<size_t>(first_ + step)]; }
  CpuProgram& program_;
  const IngotBatch& batch_;
  int64_t first_, last_;
};

Status CpuProgram::begin(const Batch& batch) {
  for (BoundStep& step : steps_) {
    const auto* kernel = variant_.kernels()->Get(runOf(*step.step, batch.view()).kernel);
    step.function = reinterpret_cast<IngotTileFunction>(code_.at(kernel->code_offset()));
    step.args.batch = &batch.view();
  }
  int64_t steps = static_cast<int64_t>(steps_.size());
  if (!profiling_) {
    Walk walk(*this, batch.view(), 0, steps);
    team_.run(walk);
    return {};
  }
  for (int64_t step = 0; step < steps; ++step) {
    if (tilesOf(*steps_[static_cast<size_t>(step)].step, batch.view()) == 0) continue;
    auto start = std::chrono::steady_clock::now();
    Walk walk(*this, batch.view(), step, step + 1);
    team_.run(walk);
    profile_[static_cast<size_t>(step)].seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return {};
}

}  // namespace ingot
