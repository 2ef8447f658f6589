#include "runtime/exec/program.h"

#include <algorithm>

#include "runtime/base/checked.h"
#include "runtime/exec/cpu_program.h"
#include "runtime/exec/cuda_program.h"

namespace ingot {

Result<std::unique_ptr<Program>> Program::load(const Artifact& artifact, const Choice& choice, const BatchLimits& limits, const CachePages& cache,
                                               int threads) {
  INGOT_TRY(artifact.verifySegment(choice.variant->code_segment()).at(artifact.path().string()));
  if (choice.gpu) return CudaProgram::load(artifact, choice, limits, cache);
  return CpuProgram::load(artifact, *choice.variant, limits, cache.wanted, threads);
}

void Program::setPages(int32_t pages) {
  constexpr int64_t kShared = 4, kMost = 1 << 17;
  pages_ = pages;
  int64_t partials = limits_.sequences + kShared * pages * INGOT_PAGE_TOKENS / INGOT_SPLIT_TOKENS;
  limits_.partials = splitsSequences(variant_) ? static_cast<int32_t>(std::min(partials, kMost)) : 0;
}

void Program::startProfile(int kernel) {
  profiling_ = true;
  profiledKernel_ = kernel;
  for (StepProfile& one : profile_) one.seconds = 0;
}

uint64_t cacheBytesPerPage(const plan::Plan& plan, const plan::Variant& variant) {
  return plan.model()->layers() * (variant.key_page_bytes() + variant.value_page_bytes());
}

Result<uint64_t> cacheBytes(const plan::Plan& plan, const plan::Variant& variant, int32_t pages) {
  auto bytes = checkedMul(cacheBytesPerPage(plan, variant), static_cast<uint64_t>(pages));
  if (!bytes) return Status::resourceExhausted("a KV cache of {} pages is too large", pages);
  return *bytes;
}

Result<uint64_t> slotBytes(const plan::Slot& slot, const BatchLimits& limits) {
  int64_t rows = limits.tokens;
  if (slot.extent() == plan::Extent::one) rows = 1;
  if (slot.extent() == plan::Extent::rows) rows = limits.rows;
  if (slot.extent() == plan::Extent::splits) rows = limits.partials;
  auto bytes = checkedMul(slot.row_bytes(), static_cast<uint64_t>(rows));
  if (!bytes) return Status::resourceExhausted("a buffer of {} rows of {} bytes is too large", rows, slot.row_bytes());
  return *bytes;
}

bool splitsSequences(const plan::Variant& variant) {
  return std::any_of(variant.steps()->begin(), variant.steps()->end(), [](const plan::Step* step) { return step->extent() == plan::Extent::splits; });
}

uint64_t cacheOffset(const plan::Variant& variant, const plan::Operand& operand) {
  uint64_t keys = variant.key_page_bytes(), values = variant.value_page_bytes();
  return operand.index() * (keys + values) + (operand.kind() == plan::OperandKind::cache_values ? keys : 0);
}

WeightRange weightRange(const plan::Plan& plan) {
  WeightRange range{0, 0, false};
  for (const auto* segment : *plan.segments())
    if (segment->kind() == plan::SegmentKind::weights) range = {segment->offset(), segment->bytes(), false};
  if (!plan.weights()) return range;
  for (const auto* weight : *plan.weights())
    if (weight->filling()) range = {0, std::max(range.filled ? range.bytes : 0, weight->offset() + weight->bytes()), true};
  return range;
}

int64_t tilesOf(const plan::Step& step, const IngotBatch& batch) { return runOf(step, batch).tiles; }

static bool runsFor(plan::Batches batches, const IngotBatch& batch) {
  switch (batches) {
    case plan::Batches::any: return true;
    case plan::Batches::alone: return batch.num_tokens == 1;
    case plan::Batches::several: return batch.num_tokens != 1;
    case plan::Batches::many: return batch.num_tokens >= INGOT_MANY_TOKENS && !batch.are_apart;
    case plan::Batches::apart: return batch.are_apart;
    case plan::Batches::together: return !batch.are_apart;
  }
  return false;
}

StepRun runOf(const plan::Step& step, const IngotBatch& batch, int kernel) {
  if (!runsFor(step.batches(), batch)) return {step.kernel(), 0};
  int64_t rows = 1;
  switch (step.extent()) {
    case plan::Extent::tokens: rows = batch.num_tokens; break;
    case plan::Extent::rows: rows = batch.num_rows; break;
    case plan::Extent::blocks: rows = batch.num_blocks; break;
    case plan::Extent::splits: rows = batch.num_splits; break;
    case plan::Extent::one: break;
  }
  auto run = [&](const auto& one) -> StepRun {
    int64_t each = one.rows_per_tile();
    return {one.kernel(), one.tiles() * ((rows + each - 1) / each)};
  };
  StepRun chosen = run(step);
  for (uint32_t i = 0; step.larger() && i < step.larger()->size(); ++i) {
    const auto* larger = step.larger()->Get(i);
    if (kernel < 0 ? rows >= larger->least_rows() : static_cast<int>(i) < kernel) chosen = run(*larger);
  }
  return chosen;
}

}  // namespace ingot
