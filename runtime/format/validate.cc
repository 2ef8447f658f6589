// Semantic verification of a plan: FlatBuffers has verified that reads stay inside the buffer; this checks every number.
#include "kernels/abi/abi.h"
#include "runtime/base/checked.h"
#include "runtime/format/artifact.h"

namespace ingot {
namespace {

constexpr uint64_t kMaxSlotRowBytes = 1ull << 32;
constexpr uint64_t kMaxFilledBytes = 1ull << 42;
constexpr uint64_t kMaxScratchBytes = 1ull << 30;
constexpr uint32_t kMaxDynamicBytes = 1 << 20, kMaxGridMultiple = 16;

template <class T>
uint64_t sizeOf(const flatbuffers::Vector<T>* vector) {
  return vector ? vector->size() : 0;
}

Status checkRange(std::string_view what, uint64_t offset, uint64_t bytes, uint64_t low, uint64_t high) {
  auto end = checkedAdd(offset, bytes);
  if (offset < low || !end || *end > high) return Status::invalidArtifact("{}: {} bytes at {} are outside [{}, {})", what, bytes, offset, low, high);
  return {};
}

uint32_t elementBytes(plan::FillElement element) {
  if (element == plan::FillElement::codes || element == plan::FillElement::float_codes) return 1;
  return element == plan::FillElement::f16 || element == plan::FillElement::bf16 ? 2 : 4;
}

Status checkFilling(const plan::Weight& weight, const plan::Filling& filling) {
  INGOT_TRY(checkRange(weight.name()->string_view(), weight.offset(), weight.bytes(), 0, kMaxFilledBytes));
  if (filling.element() > plan::FillElement::MAX || filling.unit_bytes() == 0 || filling.unit_bytes() > 1 << 16 ||
      filling.header_bytes() > filling.unit_bytes() || filling.unit_bytes() < elementBytes(filling.element()))
    return Status::invalidArtifact("{}: its filling is not well formed", weight.name()->string_view());
  return {};
}

Status checkModel(const plan::Model* model) {
  if (!model) return Status::invalidArtifact("the plan has no model");
  auto inRange = [](uint64_t value, uint64_t high) { return value >= 1 && value <= high; };
  if (!inRange(model->layers(), 1 << 16) || !inRange(model->kv_heads(), 1 << 16) || !inRange(model->head_dim(), 1 << 12) ||
      !inRange(model->vocab(), 1 << 28) || !inRange(model->max_len(), 1u << 30) || model->page_tokens() != 16 ||
      !inRange(model->query_block(), 1 << 10))
    return Status::invalidArtifact("the plan's model has a size outside its range");
  return {};
}

Status checkOperand(const plan::Plan& plan, const plan::Variant& variant, const plan::Operand& operand) {
  uint64_t limit = operand.kind() == plan::OperandKind::slot     ? sizeOf(variant.slots())
                   : operand.kind() == plan::OperandKind::weight ? sizeOf(variant.weights())
                                                                 : plan.model()->layers();
  if (operand.kind() > plan::OperandKind::MAX || operand.index() >= limit)
    return Status::invalidArtifact("operand {} of kind {} does not exist", operand.index(), static_cast<int>(operand.kind()));
  return {};
}

Status checkKernel(const plan::Kernel& kernel, uint64_t codeBytes) {
  std::string_view name = kernel.name() ? kernel.name()->string_view() : "";
  if (kernel.code_offset() >= codeBytes || kernel.scratch_bytes() > kMaxScratchBytes || kernel.code_bytes() > codeBytes - kernel.code_offset() ||
      kernel.threads() > 1024 || kernel.dynamic_bytes() > kMaxDynamicBytes || kernel.grid_multiple() > kMaxGridMultiple)
    return Status::invalidArtifact("kernel {} lies outside its code, or asks too much scratch", name);
  const auto* map = kernel.map();
  if (map && (map->columns() == 0 || map->rows() == 0 || map->rows() > 256 || map->element_bytes() == 0 || map->element_bytes() > 2 ||
              map->row_bytes() % 16 || uint64_t{map->columns()} * map->element_bytes() > map->row_bytes()))
    return Status::invalidArtifact("kernel {} has a map of rows that no GPU makes", name);
  return {};
}

Status checkSlot(const plan::Slot& slot) {
  if (slot.row_bytes() == 0 || slot.row_bytes() > kMaxSlotRowBytes || slot.extent() > plan::Extent::MAX)
    return Status::invalidArtifact("it has a size outside its range");
  return {};
}

// Larger kernels have ascending least_rows. One with a tensor map has its rows in the step's first operand, and gets the map as the last operand,
// which must be free.
Status checkLarger(const plan::Variant& variant, const plan::Step& step) {
  uint32_t before = 0;
  for (uint64_t i = 0; i < sizeOf(step.larger()); ++i) {
    const auto* larger = step.larger()->Get(i);
    if (larger->kernel() >= sizeOf(variant.kernels()) || larger->tiles() == 0 || larger->rows_per_tile() == 0 || larger->least_rows() <= before)
      return Status::invalidArtifact("larger kernel {} is not well formed", i);
    before = larger->least_rows();
    const auto* map = variant.kernels()->Get(larger->kernel())->map();
    if (!map) continue;
    const auto* x = step.operands()->size() > 0 && step.operands()->size() < INGOT_MAX_OPERANDS ? step.operands()->Get(0) : nullptr;
    if (!x || x->kind() != plan::OperandKind::slot || x->index() >= sizeOf(variant.slots()) ||
        variant.slots()->Get(x->index())->row_bytes() < map->row_bytes())
      return Status::invalidArtifact("no rows for the map of larger kernel {}", i);
  }
  return {};
}

Status checkStep(const plan::Plan& plan, const plan::Variant& variant, const plan::Step& step) {
  if (step.kernel() >= sizeOf(variant.kernels()) || step.extent() > plan::Extent::MAX || step.batches() > plan::Batches::MAX || step.tiles() == 0 ||
      step.rows_per_tile() == 0 || !step.operands() || step.operands()->size() > INGOT_MAX_OPERANDS)
    return Status::invalidArtifact("it is not well formed");
  INGOT_TRY(checkLarger(variant, step));
  for (const auto* operand : *step.operands()) INGOT_TRY(checkOperand(plan, variant, *operand));
  return {};
}

// The slots of logits, chosen tokens and log-probabilities.
Status checkResults(const plan::Plan& plan, const plan::Variant& variant) {
  auto isResult = [&](int32_t slot, uint64_t rowBytes) {
    if (slot < 0 || static_cast<uint64_t>(slot) >= sizeOf(variant.slots())) return false;
    const auto* one = variant.slots()->Get(static_cast<uint32_t>(slot));
    return one->extent() == plan::Extent::rows && one->row_bytes() >= rowBytes;
  };
  bool choosesTokens = variant.chosen_slot() != -1 || variant.logprobs_slot() != -1;
  if (choosesTokens && !(isResult(variant.chosen_slot(), sizeof(int32_t)) && isResult(variant.logprobs_slot(), sizeof(IngotLogprobs))))
    return Status::invalidArtifact("no place for chosen tokens and their log-probabilities");
  if (sizeOf(variant.steps()) == 0 || variant.logits_slot() >= sizeOf(variant.slots()) || variant.logits_row_bytes() < 4ull * plan.model()->vocab() ||
      variant.slots()->Get(variant.logits_slot())->row_bytes() < variant.logits_row_bytes())
    return Status::invalidArtifact("no steps, or no place for logits");
  return {};
}

Status checkVariant(const plan::Plan& plan, const plan::Variant& variant) {
  constexpr uint64_t kMostWalkedSteps = 0xffff;  // limit of the persistent kernel's counter
  auto at = [](const char* what, uint64_t i) { return fmt::format("{} {}", what, i); };
  if (variant.code_segment() >= sizeOf(plan.segments()) || plan.segments()->Get(variant.code_segment())->kind() != plan::SegmentKind::code)
    return Status::invalidArtifact("no code segment");
  uint64_t codeBytes = plan.segments()->Get(variant.code_segment())->bytes();
  for (uint64_t i = 0; i < sizeOf(variant.kernels()); ++i) INGOT_TRY(checkKernel(*variant.kernels()->Get(i), codeBytes));
  for (uint64_t i = 0; i < sizeOf(variant.slots()); ++i) INGOT_TRY(checkSlot(*variant.slots()->Get(i)).at(at("slot", i)));
  for (uint64_t i = 0; i < sizeOf(variant.weights()); ++i)
    if (variant.weights()->Get(i) >= sizeOf(plan.weights())) return Status::invalidArtifact("weight {} does not exist", i);
  for (uint64_t i = 0; i < sizeOf(variant.steps()); ++i) INGOT_TRY(checkStep(plan, variant, *variant.steps()->Get(i)).at(at("step", i)));
  if (const auto* persistent = variant.persistent())
    if (persistent->kernel() >= sizeOf(variant.kernels()) || persistent->steps() == 0 || persistent->steps() > sizeOf(variant.steps()) ||
        persistent->steps() > kMostWalkedSteps)
      return Status::invalidArtifact("the persistent kernel is not well formed");
  auto isPageSize = [](uint64_t bytes) { return bytes > 0 && bytes % 64 == 0 && bytes <= 1ull << 30; };
  if (!isPageSize(variant.key_page_bytes()) || !isPageSize(variant.value_page_bytes()) || variant.cache_type() > plan::CacheType::MAX)
    return Status::invalidArtifact("KV pages of a size outside their range");
  return checkResults(plan, variant);
}

}  // namespace

Status validatePlan(const plan::Plan& plan, uint64_t bodyOffset, uint64_t totalBytes) {
  INGOT_TRY(checkModel(plan.model()));
  if (!plan.segments() || !plan.text() || !plan.generation()) return Status::invalidArtifact("the plan misses a part");
  for (const auto* segment : *plan.segments()) {
    if (segment->kind() > plan::SegmentKind::MAX || segment->offset() % kPageBytes != 0)
      return Status::invalidArtifact("a segment at {} is not well formed", segment->offset());
    INGOT_TRY(checkRange("a segment", segment->offset(), segment->bytes(), bodyOffset, totalBytes));
  }
  for (uint64_t i = 0; i < sizeOf(plan.weights()); ++i) {
    const auto* weight = plan.weights()->Get(i);
    if (weight->offset() % 64 != 0 || !weight->name() || !weight->format()) return Status::invalidArtifact("weight {} is not well formed", i);
    if (const auto* filling = weight->filling()) INGOT_TRY(checkFilling(*weight, *filling));
    else INGOT_TRY(checkRange(weight->name()->string_view(), weight->offset(), weight->bytes(), bodyOffset, totalBytes));
    if (!weight->filling() != !plan.weights()->Get(0)->filling()) return Status::invalidArtifact("weight {} is filled, others are stored", i);
  }
  int64_t tokenizer = plan.text()->tokenizer_segment();
  if (tokenizer >= static_cast<int64_t>(sizeOf(plan.segments())) ||
      (tokenizer >= 0 && plan.segments()->Get(static_cast<uint32_t>(tokenizer))->kind() != plan::SegmentKind::tokenizer))
    return Status::invalidArtifact("tokenizer segment {} does not exist", tokenizer);
  for (uint64_t i = 0; i < sizeOf(plan.generation()->eos_token_ids()); ++i)
    if (plan.generation()->eos_token_ids()->Get(i) < 0) return Status::invalidArtifact("an end-of-sequence id is negative");
  if (sizeOf(plan.variants()) == 0) return Status::invalidArtifact("the plan has no variant");
  for (const auto* variant : *plan.variants()) {
    if (!variant->target()) return Status::invalidArtifact("a variant has no target");
    INGOT_TRY(checkVariant(plan, *variant).at(fmt::format("variant {}", variant->target()->string_view())));
  }
  return {};
}

}  // namespace ingot
