// Loading a program onto a GPU: kernels, buffers, weights and steps. Running it is in cuda_program.cc.
#include <algorithm>
#include <limits>

#include "kernels/abi/program.h"
#include "runtime/base/checked.h"
#include "runtime/exec/cuda_program.h"
#include "runtime/exec/device_batch.h"
#include "runtime/exec/filling.h"

namespace ingot {
namespace {

constexpr uint64_t kAlignment = 256, kMostBytes = 1ull << 48;
constexpr IngotBatch kOneToken = {.num_tokens = 1, .num_sequences = 1, .num_rows = 1, .num_blocks = 1, .num_splits = 1, .are_apart = 1};

std::string megabytes(uint64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

}  // namespace

Result<std::unique_ptr<Program>> CudaProgram::load(const Artifact& artifact, const Choice& choice, const BatchLimits& limits,
                                                   const CachePages& cache) {
  std::unique_ptr<CudaProgram> program(new CudaProgram(artifact, *choice.variant, limits));
  INGOT_TRY(program->bind(choice, cache).at(choice.gpu->name));
  return std::unique_ptr<Program>(std::move(program));
}

Status CudaProgram::bind(const Choice& choice, const CachePages& cache) {
  INGOT_ASSIGN(device_, CudaDevice::open(*choice.driver, *choice.gpu, choice.patience));
  INGOT_TRY(loadKernels());
  INGOT_TRY(choosePages(cache));
  INGOT_TRY(placeBuffers());
  INGOT_TRY(placeWeights());
  INGOT_TRY(bindSteps());
  INGOT_TRY(bindMaps());
  if (choice.walks) INGOT_TRY(bindPersistent());
  INGOT_TRY(device_->endUploads());
  graphs_ = std::make_unique<CudaGraphs>(*choice.driver, *choice.gpu, limits_, mostWalked(),
                                         [this](CudaDevice& device, const IngotBatch& sizes) { return launchAll(device, sizes); });
  return {};
}

Result<uint64_t> CudaProgram::placeSlots() {
  slotOffsets_.clear();
  std::optional<uint64_t> end = 0;
  for (const auto* slot : *variant_.slots()) {
    slotOffsets_.push_back(*end);
    INGOT_ASSIGN(uint64_t bytes, slotBytes(*slot, limits_));
    end = checkedAdd(*end, bytes);
    if (end) end = checkedAdd(*end, (kAlignment - *end % kAlignment) % kAlignment);
    if (!end || *end > kMostBytes) return Status::resourceExhausted("buffers of {} tokens in a step are too large", limits_.tokens);
  }
  return *end;
}

// GPU memory bytes with this many pages, including the partial results that they allow.
Result<uint64_t> CudaProgram::bytesWith(int64_t pages) {
  setPages(static_cast<int32_t>(pages));
  INGOT_ASSIGN(uint64_t slots, placeSlots());
  INGOT_ASSIGN(uint64_t cache, cacheBytes(artifact_.plan(), variant_, pages_));
  auto bytes = checkedAdd(slots + packedBatchBytes(limits_), cache);
  if (bytes) bytes = checkedAdd(*bytes, readsFile() ? 0 : range_.bytes);
  return bytes.value_or(UINT64_MAX);
}

// The number of pages that fit into `room` bytes.
Result<int64_t> CudaProgram::pagesIn(uint64_t room) {
  constexpr uint64_t kMost = 1 << 24;
  uint64_t page = cacheBytesPerPage(artifact_.plan(), variant_);
  INGOT_ASSIGN(uint64_t others, bytesWith(0));
  if (others >= room) return 0;
  auto pages = static_cast<int64_t>(std::min((room - others) / page, kMost));
  INGOT_ASSIGN(uint64_t bytes, bytesWith(pages));  // with their partial results it may exceed `room`
  if (bytes > room) pages -= static_cast<int64_t>((bytes - room + page - 1) / page);
  return std::max<int64_t>(pages, 0);
}

// Before weights and buffers are allocated: chooses the number of pages; the error says what is needed, what is free, and what would fit.
Status CudaProgram::choosePages(const CachePages& cache) {
  INGOT_ASSIGN(CudaDevice::MemorySize memory, device_->memorySize());
  auto roomOf = [&](double share) {
    constexpr double kOthers = 0.01;  // graphs, and what allocations are rounded up to
    auto kept = static_cast<uint64_t>(std::max(1 - share, kOthers) * static_cast<double>(memory.total));
    return memory.free - std::min<uint64_t>(memory.free, kept);
  };
  INGOT_ASSIGN(int64_t most, pagesIn(roomOf(cache.mostShare)));
  if (most < cache.least) return doesNotFit(cache, memory.free, roomOf(cache.mostShare), roomOf(1));
  INGOT_ASSIGN(int64_t usual, pagesIn(roomOf(cache.share)));
  setPages(static_cast<int32_t>(std::clamp<int64_t>(usual, cache.least, cache.wanted)));
  return {};
}

Status CudaProgram::doesNotFit(const CachePages& cache, uint64_t free, uint64_t room, uint64_t mostRoom) {
  uint64_t page = cacheBytesPerPage(artifact_.plan(), variant_), weights = readsFile() ? 0 : range_.bytes, pages = cache.least * page;
  INGOT_ASSIGN(int64_t fitting, pagesIn(mostRoom));
  INGOT_ASSIGN(uint64_t all, bytesWith(cache.least));
  std::string advice = "this model does not fit; quantise it (ingotc --quantize=int4) or take a larger GPU";
  if (fitting > 0) advice = fmt::format("--kv-cache-memory={} would fit", static_cast<uint64_t>(fitting) * page);
  else if (weights + page < mostRoom)
    advice = fmt::format("lower --max-num-batched-tokens ({}) or --max-num-seqs ({})", limits_.tokens, limits_.sequences);
  return Status::resourceExhausted("weights {}, buffers {} and KV cache {} need {}, the GPU has {} free, of which {} may be used; {}",
                                   megabytes(weights), megabytes(all - weights - pages), megabytes(pages), megabytes(all), megabytes(free),
                                   megabytes(room), advice);
}

Status CudaProgram::loadKernels() {
  auto code = artifact_.segment(variant_.code_segment());
  for (const auto* kernel : *variant_.kernels()) {
    if (!kernel->entry() || kernel->code_bytes() == 0 || kernel->threads() == 0)
      return Status::invalidArtifact("kernel {} is not one of a GPU", kernels_.size());
    INGOT_ASSIGN(CudaKernel loaded,
                 device_->load(code.subspan(kernel->code_offset(), kernel->code_bytes()), kernel->entry()->str(), kernel->dynamic_bytes()));
    mostBlocks_.push_back(std::numeric_limits<unsigned>::max());
    if (unsigned multiple = kernel->grid_multiple()) {
      INGOT_ASSIGN(unsigned resident, device_->maxResidentBlocks(loaded, kernel->threads()));
      mostBlocks_.back() = std::max(resident / multiple, 1u) * multiple;
    }
    kernels_.push_back(std::move(loaded));
  }
  return {};
}

Status CudaProgram::placeBuffers() {
  INGOT_ASSIGN(uint64_t bytes, placeSlots());
  INGOT_ASSIGN(buffers_, device_->allocate(bytes, "buffers"));
  for (uint32_t i = 0; i < slotOffsets_.size(); ++i)
    if (const auto* slot = variant_.slots()->Get(i); slot->extent() == plan::Extent::splits) {
      INGOT_ASSIGN(uint64_t one, slotBytes(*slot, limits_));
      INGOT_TRY(device_->clear(addressOfSlot(i), one));
    }
  INGOT_ASSIGN(uint64_t cache, cacheBytes(artifact_.plan(), variant_, pages_));
  INGOT_ASSIGN(cache_, device_->allocate(cache, "the KV cache"));
  INGOT_ASSIGN(batch_, device_->allocate(packedBatchBytes(limits_), "the batch"));
  for (HostSide& side : sides_) INGOT_TRY(makeSide(side));
  return {};
}

Status CudaProgram::makeSide(HostSide& side) {
  auto rows = static_cast<uint64_t>(limits_.rows);
  INGOT_ASSIGN(side.batch, device_->allocatePinned(packedBatchBytes(limits_), "the batch"));
  INGOT_ASSIGN(side.chosen, device_->allocatePinned(rows * sizeof(int32_t), "chosen tokens"));
  INGOT_ASSIGN(side.logprobs, device_->allocatePinned(rows * sizeof(IngotLogprobs), "log-probabilities"));
  INGOT_ASSIGN(side.done, device_->makeEvent());
  return {};
}

Status CudaProgram::placeWeights() {
  auto stored = range_.filled ? std::span<const std::byte>() : artifact_.bytes().subspan(range_.start, range_.bytes);
  if (readsFile()) {
    firstWeight_ = reinterpret_cast<CudaPointer>(stored.data());
    return {};
  }
  INGOT_ASSIGN(weights_, device_->allocate(range_.bytes, "weights"));
  firstWeight_ = weights_.pointer();
  if (!range_.filled) return device_->upload(firstWeight_, stored).at("weights");
  for (const auto* weight : *artifact_.plan().weights())
    INGOT_TRY(device_->repeat(firstWeight_ + weight->offset(), weight->bytes(), fillingPattern(*weight)).at(weight->name()->string_view()));
  return {};
}

Status CudaProgram::bindSteps() {
  const auto& steps = *variant_.steps();
  for (uint32_t at = 0; at < steps.size(); ++at) {
    const auto* step = steps[at];
    BoundStep bound{{}, step, {}, at + 1 < steps.size() && steps[at + 1]->batches() == plan::Batches::many};
    for (uint32_t i = 0; i < step->operands()->size(); ++i) bound.operands.at[i] = reinterpret_cast<void*>(addressOf(*step->operands()->Get(i)));
    steps_.push_back(std::move(bound));
    profile_.push_back({step, 0});
  }
  return {};
}

// Tensor maps for larger kernels that need one, over the largest possible number of rows. One per kernel and step, since boxes differ.
Status CudaProgram::bindMaps() {
  std::vector<CudaTensorMap> maps;
  std::vector<CudaPointer*> mapped;
  for (BoundStep& bound : steps_) {
    const plan::Step& step = *bound.step;
    for (uint32_t j = 0; step.larger() && j < step.larger()->size(); ++j) {
      uint32_t kernel = step.larger()->Get(j)->kernel();
      const auto* map = variant_.kernels()->Get(kernel)->map();
      if (!map) continue;
      const auto* slot = variant_.slots()->Get(step.operands()->Get(0)->index());
      uint64_t rows = static_cast<uint64_t>(slot->extent() == plan::Extent::rows ? limits_.rows : limits_.tokens);
      CudaDevice::TensorMapBox box{map->columns(), map->row_bytes(), map->element_bytes(), map->rows()};
      INGOT_ASSIGN(CudaTensorMap one, device_->encodeTensorMap(addressOf(*step.operands()->Get(0)), rows, box));
      maps.push_back(one);
      mapped.push_back(&bound.maps[kernel]);
    }
  }
  auto bytes = std::as_bytes(std::span(maps));
  INGOT_ASSIGN(maps_, device_->allocate(bytes.size(), "maps of rows"));
  INGOT_TRY(device_->upload(maps_.pointer(), bytes));
  for (size_t i = 0; i < mapped.size(); ++i) *mapped[i] = maps_.pointer() + i * sizeof(CudaTensorMap);
  return {};
}

// If no block of the persistent kernel fits on the GPU, walkBlocks_ is 0 and steps are launched one by one.
Status CudaProgram::bindPersistent() {
  const auto* persistent = variant_.persistent();
  if (!persistent) return {};
  std::vector<IngotStep> steps;
  for (const BoundStep& step : std::span(steps_).first(persistent->steps()))
    if (runOf(*step.step, kOneToken).tiles > 0) steps.push_back({static_cast<ingot_i32>(step.step->kernel()), step.operands});
  steps.insert(steps.end(), INGOT_STEPS_AHEAD, {-1, {}});
  auto bytes = std::as_bytes(std::span(steps));
  INGOT_ASSIGN(walkedSteps_, device_->allocate(bytes.size(), "the steps"));
  INGOT_TRY(device_->upload(walkedSteps_.pointer(), bytes));
  INGOT_ASSIGN(walkCounter_, device_->allocate(sizeof(ingot_u64), "the steps"));
  INGOT_TRY(device_->clear(walkCounter_.pointer(), sizeof(ingot_u64)));
  INGOT_ASSIGN(walkBlocks_, device_->maxResidentBlocks(kernels_[persistent->kernel()], variant_.kernels()->Get(persistent->kernel())->threads()));
  return {};
}

CudaPointer CudaProgram::addressOf(const plan::Operand& operand) const {
  switch (operand.kind()) {
    case plan::OperandKind::slot: return addressOfSlot(operand.index());
    case plan::OperandKind::weight: {
      const auto* weight = artifact_.plan().weights()->Get(variant_.weights()->Get(operand.index()));
      return firstWeight_ + (weight->offset() - range_.start);
    }
    case plan::OperandKind::cache_keys:
    case plan::OperandKind::cache_values: return cache_.pointer() + cacheOffset(variant_, operand);
  }
  return 0;
}

}  // namespace ingot
