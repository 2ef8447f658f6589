#include "runtime/exec/program.h"

#include <chrono>

#include "runtime/base/checked.h"
#include "runtime/device/cpu/topology.h"

namespace ingot {
namespace {

std::vector<std::string> featuresOf(const plan::Variant& variant) {
  std::vector<std::string> features;
  if (variant.features())
    for (const auto* feature : *variant.features()) features.push_back(feature->str());
  return features;
}

bool isForThisArchitecture(std::string_view target) {
#if defined(__x86_64__)
  return target.starts_with("cpu:x86-64");
#elif defined(__aarch64__)
  return target.starts_with("cpu:aarch64");
#else
  return false;
#endif
}

}  // namespace

Result<const plan::Variant*> Program::chooseVariant(const Artifact& artifact) {
  const plan::Variant* best = nullptr;
  std::string found;
  for (const auto* variant : *artifact.plan().variants()) {
    std::string missing = missingCpuFeature(featuresOf(*variant));
    bool fits = isForThisArchitecture(variant->target()->string_view()) && missing.empty();
    if (fits && (!best || featuresOf(*variant).size() > featuresOf(*best).size())) best = variant;
    found +=
        fmt::format("{}{}{}", found.empty() ? "" : ", ", variant->target()->string_view(), fits || missing.empty() ? "" : " (needs " + missing + ")");
  }
  if (best) return best;
  return Status::unsupported("{}: has code for {}, none of which this machine runs; compile with --target=cpu:native here, or a lower level",
                             artifact.path().string(), found);
}

uint64_t Program::cacheBytesPerPage(const plan::Plan& plan, const plan::Variant& variant) {
  return plan.model()->layers() * (variant.key_page_bytes() + variant.value_page_bytes());
}

Result<std::unique_ptr<Program>> Program::load(const Artifact& artifact, const plan::Variant& variant, const BatchLimits& limits, int32_t pages,
                                               int threads) {
  std::unique_ptr<Program> program(new Program(artifact, variant, threads));
  INGOT_TRY(program->bind(limits, pages));
  return program;
}

Status Program::bind(const BatchLimits& limits, int32_t pages) {
  const auto* segment = artifact_.plan().segments()->Get(variant_.code_segment());
  INGOT_ASSIGN(code_, CodeMapping::map(artifact_.descriptor(), segment->offset(), segment->bytes()));
  for (const auto* slot : *variant_.slots()) {
    int64_t rows = slot->extent() == plan::Extent::rows ? limits.rows : slot->extent() == plan::Extent::one ? 1 : limits.tokens;
    auto bytes = checkedMul(slot->row_bytes(), static_cast<uint64_t>(rows));
    if (!bytes) return Status::resourceExhausted("a buffer of {} rows of {} bytes is too large", rows, slot->row_bytes());
    INGOT_ASSIGN(Memory memory, Memory::allocate(*bytes + 64));
    slots_.push_back(std::move(memory));
  }
  auto cacheBytes = checkedMul(cacheBytesPerPage(artifact_.plan(), variant_), static_cast<uint64_t>(pages));
  if (!cacheBytes) return Status::resourceExhausted("a KV cache of {} pages is too large", pages);
  INGOT_ASSIGN(cache_, Memory::allocate(*cacheBytes));
  uint64_t scratchBytes = 0;
  for (const auto* kernel : *variant_.kernels()) scratchBytes = std::max(scratchBytes, kernel->scratch_bytes());
  for (int worker = 0; worker < team_.threads(); ++worker) {
    INGOT_ASSIGN(Memory memory, Memory::allocate(scratchBytes));
    scratch_.push_back(std::move(memory));
  }
  steps_.reserve(variant_.steps()->size());
  for (const auto* step : *variant_.steps()) {
    BoundStep bound{};
    bound.function = reinterpret_cast<IngotTileFunction>(code_.at(variant_.kernels()->Get(step->kernel())->code_offset()));
    for (const auto* operand : *step->operands()) bound.operands.push_back(addressOf(*operand));
    bound.tiles = step->tiles();
    if (bound.tiles * std::max(limits.tokens, limits.rows) > ThreadTeam::kMaxTiles && step->extent() != plan::Extent::one)
      return Status::resourceExhausted("{} tokens in a step make more than {} tiles; lower max_num_batched_tokens", limits.tokens,
                                       ThreadTeam::kMaxTiles);
    bound.extent = step->extent();
    steps_.push_back(std::move(bound));
    profile_.push_back({step, 0});
  }
  for (BoundStep& step : steps_) step.args.operands = step.operands.data();
  return {};
}

void* Program::addressOf(const plan::Operand& operand) {
  switch (operand.kind()) {
    case plan::OperandKind::slot: return slots_[operand.index()].data();
    case plan::OperandKind::weight: {
      const auto* weight = artifact_.plan().weights()->Get(variant_.weights()->Get(operand.index()));
      return const_cast<std::byte*>(artifact_.bytes().data() + weight->offset());  // kernels read weights only
    }
    case plan::OperandKind::cache_keys:
    case plan::OperandKind::cache_values: {
      uint64_t keys = variant_.key_page_bytes(), values = variant_.value_page_bytes();
      return cache_.data() + operand.index() * (keys + values) + (operand.kind() == plan::OperandKind::cache_values ? keys : 0);
    }
  }
  return nullptr;
}

std::span<float> Program::logits(int32_t row) {
  auto* first = reinterpret_cast<float*>(slots_[variant_.logits_slot()].data() + static_cast<uint64_t>(row) * variant_.logits_row_bytes());
  return {first, artifact_.plan().model()->vocab()};
}

void Program::startProfile() {
  profiling_ = true;
  for (StepProfile& one : profile_) one.seconds = 0;
}

// The program over one batch, as the team's work.
class Program::Walk : public TeamWork {
 public:
  Walk(Program& program, const IngotBatch& batch, int64_t first, int64_t last) : program_(program), batch_(batch), first_(first), last_(last) {}
  int64_t steps() const override { return last_ - first_; }
  int64_t tiles(int64_t step) const override {
    const BoundStep& bound = at(step);
    switch (bound.extent) {
      case plan::Extent::tokens: return bound.tiles * batch_.num_tokens;
      case plan::Extent::rows: return bound.tiles * batch_.num_rows;
      case plan::Extent::blocks: return bound.tiles * batch_.num_blocks;
      case plan::Extent::one: break;
    }
    return bound.tiles;
  }
  void compute(int64_t step, int64_t first, int64_t last, int worker) override {
    const BoundStep& bound = at(step);
    bound.function(&bound.args, first, last, program_.scratch_[static_cast<size_t>(worker)].data());
  }

 private:
  const BoundStep& at(int64_t step) const { return program_.steps_[static_cast<size_t>(first_ + step)]; }
  Program& program_;
  const IngotBatch& batch_;
  int64_t first_, last_;
};

void Program::run(const Batch& batch) {
  for (BoundStep& step : steps_) step.args.batch = &batch.view();
  int64_t steps = static_cast<int64_t>(steps_.size());
  if (!profiling_) {
    Walk walk(*this, batch.view(), 0, steps);
    team_.run(walk);
    return;
  }
  for (int64_t step = 0; step < steps; ++step) {
    auto start = std::chrono::steady_clock::now();
    Walk walk(*this, batch.view(), step, step + 1);
    team_.run(walk);
    profile_[static_cast<size_t>(step)].seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

}  // namespace ingot
