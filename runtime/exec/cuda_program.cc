#include "runtime/exec/cuda_program.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "kernels/abi/program.h"
#include "runtime/base/checked.h"
#include "runtime/exec/device_batch.h"
#include "runtime/exec/filling.h"

namespace ingot {
namespace {

constexpr uint64_t kAlignment = 256;

std::string megabytes(uint64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

}  // namespace

Result<std::unique_ptr<Program>> CudaProgram::load(const Artifact& artifact, const Choice& choice, const BatchLimits& limits, int32_t pages) {
  std::unique_ptr<CudaProgram> program(new CudaProgram(artifact, *choice.variant));
  INGOT_TRY(program->bind(choice, limits, pages).at(choice.gpu->name));
  return std::unique_ptr<Program>(std::move(program));
}

Status CudaProgram::bind(const Choice& choice, const BatchLimits& limits, int32_t pages) {
  INGOT_ASSIGN(device_, CudaDevice::open(*choice.driver, *choice.gpu));
  INGOT_TRY(checkMemory(limits, pages));
  INGOT_TRY(loadKernels());
  INGOT_TRY(placeBuffers(limits, pages));
  INGOT_TRY(placeWeights());
  INGOT_TRY(bindSteps());
  INGOT_TRY(bindMaps(limits));
  INGOT_TRY(bindPersistent());
  INGOT_TRY(device_->synchronize());
  graphs_ = std::make_unique<CudaGraphs>(*choice.driver, *choice.gpu, limits, mostWalked(),
                                         [this](CudaDevice& device, const IngotBatch& sizes) { return launchAll(device, sizes); });
  return {};
}

// Before any work: what is needed, what is free, and what would fit.
Status CudaProgram::checkMemory(const BatchLimits& limits, int32_t pages) {
  INGOT_ASSIGN(size_t free, device_->freeBytes());
  uint64_t weights = readsFile() ? 0 : range_.bytes, buffers = packedBatchBytes(limits);
  for (const auto* slot : *variant_.slots()) {
    INGOT_ASSIGN(uint64_t bytes, slotBytes(*slot, limits));
    buffers += roundUp(bytes, kAlignment);
  }
  INGOT_ASSIGN(uint64_t cache, cacheBytes(artifact_.plan(), variant_, pages));
  if (weights + buffers + cache <= free) return {};
  std::string advice = "this model does not fit; quantise it (ingotc --quantize=int4) or take a larger GPU";
  if (uint64_t page = cacheBytesPerPage(artifact_.plan(), variant_); weights + buffers + page <= free)
    advice = fmt::format("--kv-cache-memory={} would fit, or fewer --max-num-batched-tokens", (free - weights - buffers) / page * page);
  return Status::resourceExhausted("weights {}, buffers {} and KV cache {} need {}, the GPU has {} free; {}", megabytes(weights), megabytes(buffers),
                                   megabytes(cache), megabytes(weights + buffers + cache), megabytes(free), advice);
}

Status CudaProgram::loadKernels() {
  auto code = artifact_.segment(variant_.code_segment());
  for (const auto* kernel : *variant_.kernels()) {
    if (!kernel->entry() || kernel->code_bytes() == 0 || kernel->threads() == 0)
      return Status::invalidArtifact("kernel {} is not one of a GPU", kernels_.size());
    INGOT_ASSIGN(CudaKernel loaded,
                 device_->load(code.subspan(kernel->code_offset(), kernel->code_bytes()), kernel->entry()->str(), kernel->dynamic_bytes()));
    mostBlocks_.push_back(std::numeric_limits<unsigned>::max());
    if (unsigned turns = kernel->turns()) {
      INGOT_ASSIGN(unsigned atOnce, device_->blocksAtOnce(loaded, kernel->threads()));
      mostBlocks_.back() = std::max(atOnce / turns, 1u) * turns;
    }
    kernels_.push_back(std::move(loaded));
  }
  return {};
}

Status CudaProgram::placeBuffers(const BatchLimits& limits, int32_t pages) {
  uint64_t bytes = 0;
  for (const auto* slot : *variant_.slots()) {
    slotOffsets_.push_back(bytes);
    INGOT_ASSIGN(uint64_t one, slotBytes(*slot, limits));
    bytes += roundUp(one, kAlignment);
  }
  INGOT_ASSIGN(buffers_, device_->allocate(bytes, "buffers"));
  for (uint32_t i = 0; i < slotOffsets_.size(); ++i)
    if (const auto* slot = variant_.slots()->Get(i); slot->extent() == plan::Extent::splits) {
      INGOT_ASSIGN(uint64_t one, slotBytes(*slot, limits));
      INGOT_TRY(device_->clear(addressOfSlot(i), one));
    }
  INGOT_ASSIGN(uint64_t cache, cacheBytes(artifact_.plan(), variant_, pages));
  INGOT_ASSIGN(cache_, device_->allocate(cache, "the KV cache"));
  INGOT_ASSIGN(batch_, device_->allocate(packedBatchBytes(limits), "the batch"));
  INGOT_ASSIGN(hostLogits_, device_->allocatePinned(static_cast<uint64_t>(limits.rows) * variant_.logits_row_bytes(), "logits"));
  for (HostSide& side : sides_) INGOT_TRY(makeSide(side, limits));
  return {};
}

Status CudaProgram::makeSide(HostSide& side, const BatchLimits& limits) {
  auto rows = static_cast<uint64_t>(limits.rows);
  INGOT_ASSIGN(side.batch, device_->allocatePinned(packedBatchBytes(limits), "the batch"));
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
  for (const auto* weight : *artifact_.plan().weights()) INGOT_TRY(fill(*weight).at(weight->name()->string_view()));
  return {};
}

// One stretch goes up, and is doubled on the device.
Status CudaProgram::fill(const plan::Weight& weight) {
  auto pattern = fillingPattern(*weight.filling(), std::min<uint64_t>(weight.bytes(), 1 << 20));
  CudaPointer to = firstWeight_ + weight.offset();
  uint64_t done = std::min<uint64_t>(pattern.size(), weight.bytes());
  INGOT_TRY(device_->upload(to, std::span(pattern).first(done)));
  for (; done < weight.bytes(); done = std::min(2 * done, weight.bytes()))
    INGOT_TRY(device_->copyOnDevice(to + done, to, std::min(done, weight.bytes() - done)));
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

// Of larger kernels that want a map of their rows: as many as there can be. Each has its own, since boxes differ.
Status CudaProgram::bindMaps(const BatchLimits& limits) {
  std::vector<CudaTensorMap> maps;
  std::vector<CudaPointer*> mapped;
  for (BoundStep& bound : steps_) {
    const plan::Step& step = *bound.step;
    for (uint32_t j = 0; step.larger() && j < step.larger()->size(); ++j) {
      uint32_t kernel = step.larger()->Get(j)->kernel();
      const auto* map = variant_.kernels()->Get(kernel)->map();
      if (!map) continue;
      const auto* slot = variant_.slots()->Get(step.operands()->Get(0)->index());
      uint64_t rows = static_cast<uint64_t>(slot->extent() == plan::Extent::rows ? limits.rows : limits.tokens);
      CudaDevice::RowBoxes boxes{map->columns(), map->row_bytes(), map->element_bytes(), map->rows()};
      INGOT_ASSIGN(CudaTensorMap one, device_->mapOf(addressOf(*step.operands()->Get(0)), rows, boxes));
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

// A GPU that cannot hold a block of it launches steps one by one.
Status CudaProgram::bindPersistent() {
  const auto* persistent = variant_.persistent();
  if (!persistent) return {};
  std::vector<IngotStep> steps;
  for (const BoundStep& step : std::span(steps_).first(persistent->steps()))
    if (step.step->batches() == plan::Batches::any || step.step->batches() == plan::Batches::alone)
      steps.push_back({static_cast<ingot_i32>(step.step->kernel()), step.operands});
  steps.insert(steps.end(), INGOT_STEPS_AHEAD, {-1, {}});
  auto bytes = std::as_bytes(std::span(steps));
  INGOT_ASSIGN(walkedSteps_, device_->allocate(bytes.size(), "the steps"));
  INGOT_TRY(device_->upload(walkedSteps_.pointer(), bytes));
  INGOT_ASSIGN(walkCounter_, device_->allocate(sizeof(ingot_u64), "the steps"));
  INGOT_TRY(device_->clear(walkCounter_.pointer(), sizeof(ingot_u64)));
  INGOT_ASSIGN(walkBlocks_, device_->blocksAtOnce(kernels_[persistent->kernel()], variant_.kernels()->Get(persistent->kernel())->threads()));
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

std::span<float> CudaProgram::logits(int32_t row) {
  auto* first = hostLogits_.host<std::byte>() + static_cast<uint64_t>(row) * variant_.logits_row_bytes();
  return {reinterpret_cast<float*>(first), artifact_.plan().model()->vocab()};
}

// A device that failed stays so: its context is gone, and memory with it.
Status CudaProgram::begin(const Batch& batch) {
  if (failed_.ok()) failed_ = enqueue(batch).at(device_->info().name);
  if (failed_.ok()) ++numBegun_;
  return failed_;
}

Status CudaProgram::finish() {
  if (!failed_.ok()) return failed_;
  ++numFinished_;
  auto start = std::chrono::steady_clock::now();
  failed_ = device_->wait(finished().done).at(device_->info().name);
  waitedSeconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return failed_;
}

Status CudaProgram::enqueue(const Batch& batch) {
  const IngotBatch& view = batch.view();
  INGOT_TRY(device_->use());
  INGOT_TRY(send(view).at("the batch"));
  INGOT_TRY(profiling_ ? profileAll(view) : view.num_tokens <= mostWalked() ? walk(view) : launchOrReplay(view));
  INGOT_TRY(fetchResults(batch));
  return device_->record(begun().done);
}

Status CudaProgram::send(const IngotBatch& batch) {
  IngotBatch sent = batch;
  if (choosesTokens()) sent.chosen = reinterpret_cast<const ingot_i32*>(addressOfSlot(static_cast<uint32_t>(variant_.chosen_slot())));
  auto* host = begun().batch.host<std::byte>();
  return device_->copyToDevice(batch_.pointer(), host, packBatch(sent, batch_.pointer(), host));
}

// A row of logits is up to a megabyte: those that nobody looks at stay where they are.
Status CudaProgram::fetchResults(const Batch& batch) {
  for (RowRange rows : batch.logitRows()) INGOT_TRY(fetchRows(hostLogits_, variant_.logits_slot(), variant_.logits_row_bytes(), rows).at("logits"));
  if (!choosesTokens()) return {};
  INGOT_TRY(
      fetchRows(begun().chosen, static_cast<uint32_t>(variant_.chosen_slot()), sizeof(int32_t), {0, batch.view().num_rows}).at("chosen tokens"));
  return fetchRows(begun().logprobs, static_cast<uint32_t>(variant_.logprobs_slot()), sizeof(IngotLogprobs), batch.logprobRows())
      .at("log-probabilities");
}

Status CudaProgram::fetchRows(const CudaMemory& host, uint32_t slot, uint64_t rowBytes, RowRange rows) {
  if (rows.count == 0) return {};
  uint64_t first = static_cast<uint64_t>(rows.first) * rowBytes;
  return device_->copyToHost(host.host<std::byte>() + first, addressOfSlot(slot) + first, static_cast<uint64_t>(rows.count) * rowBytes);
}

// Whether steps that leave prompts to others have nothing to do.
static bool isOfPrompts(const IngotBatch& batch) {
  return batch.num_tokens >= INGOT_MANY_TOKENS &&
         std::none_of(batch.splits, batch.splits + batch.num_splits, [&](IngotSplit split) { return batch.blocks[split.block].num_tokens == 1; });
}

Status CudaProgram::launchStep(CudaDevice& device, const BoundStep& step, const StepRun& run) const {
  if (run.tiles == 0) return {};
  CudaPointer batch = batch_.pointer();
  IngotOperands operands = step.operands;
  if (auto map = step.maps.find(run.kernel); map != step.maps.end()) operands.at[INGOT_MAX_OPERANDS - 1] = reinterpret_cast<void*>(map->second);
  void* parameters[] = {&batch, &operands};
  const auto* kernel = variant_.kernels()->Get(run.kernel);
  auto blocks = static_cast<unsigned>(std::min<int64_t>(run.tiles, mostBlocks_[run.kernel]));
  return device.launch(kernels_[run.kernel], blocks, kernel->threads(), parameters)
      .at(fmt::format("step {} ({})", &step - steps_.data(), kernel->entry()->string_view()));
}

Status CudaProgram::launchAll(CudaDevice& device, const IngotBatch& sizes, size_t first) const {
  bool ofPrompts = isOfPrompts(sizes);
  for (const BoundStep& step : std::span(steps_).subspan(first))
    if (!ofPrompts || !step.leavesPrompts) INGOT_TRY(launchStep(device, step, runOf(*step.step, sizes)));
  return {};
}

Status CudaProgram::walk(const IngotBatch& batch) {
  const auto* persistent = variant_.persistent();
  CudaPointer packed = batch_.pointer();
  IngotOperands operands{{reinterpret_cast<void*>(walkedSteps_.pointer()), reinterpret_cast<void*>(walkCounter_.pointer())}};
  void* parameters[] = {&packed, &operands};
  INGOT_TRY(device_->launchAtOnce(kernels_[persistent->kernel()], walkBlocks_, variant_.kernels()->Get(persistent->kernel())->threads(), parameters)
                .at("the persistent kernel"));
  return launchAll(*device_, batch, persistent->steps());
}

// Kernels look at the batch for their last tile, so that launches of a bucket serve every batch in it.
Status CudaProgram::launchOrReplay(const IngotBatch& batch) {
  const CudaGraph* graph = graphs_->find(batch);
  return graph ? device_->launch(*graph) : launchAll(*device_, batch);
}

std::string CudaProgram::warning() const {
  Status failure = graphs_->failure();
  if (failure.ok()) return {};
  return fmt::format("{}: small batches are slower than they could be, graphs of their launches failed: {}", device_->info().name, failure.message());
}

Status CudaProgram::profileAll(const IngotBatch& sizes) {
  bool ofPrompts = isOfPrompts(sizes);
  for (size_t i = 0; i < steps_.size(); ++i) {
    StepRun run = runOf(*steps_[i].step, sizes, profiledKernel_);
    if (run.tiles == 0 || (ofPrompts && steps_[i].leavesPrompts)) continue;
    INGOT_ASSIGN(double seconds, device_->time([&] { return launchStep(*device_, steps_[i], run); }));
    profile_[i].seconds += seconds;
  }
  return {};
}

}  // namespace ingot
