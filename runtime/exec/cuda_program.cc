#include "runtime/exec/cuda_program.h"

#include <algorithm>
#include <chrono>

#include "runtime/exec/device_batch.h"

namespace ingot {

std::span<float> CudaProgram::logits(int32_t row) {
  auto* first = hostLogits_.host<std::byte>() + static_cast<uint64_t>(row) * variant_.logits_row_bytes();
  return {reinterpret_cast<float*>(first), artifact_.plan().model()->vocab()};
}

CudaProgram::~CudaProgram() {
  if (graphs_ && device_->isAbandoned()) graphs_->abandon();
}

// A device failure is permanent: the context is lost, and memory with it.
Status CudaProgram::keep(Status status) {
  if (!status.ok()) failed_ = Status(StatusCode::deviceLost, status.message()).at(device_->info().name);
  return failed_;
}

Status CudaProgram::begin(const Batch& batch) {
  INGOT_TRY(Status(failed_));
  INGOT_TRY(makeRoomForLogits(batch));
  INGOT_TRY(keep(enqueue(batch)));
  ++numBegun_;
  return {};
}

Status CudaProgram::finish() {
  INGOT_TRY(Status(failed_));
  ++numFinished_;
  auto start = std::chrono::steady_clock::now();
  Status status = device_->use();
  if (status.ok()) status = device_->wait(finishedSide().done);
  waitedSeconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return keep(std::move(status));
}

// Allocated on first use: pinned memory for all rows is up to hundreds of megabytes, and not needed while the GPU samples.
Status CudaProgram::makeRoomForLogits(const Batch& batch) {
  if (batch.logitRows().empty() || hostLogits_.bytes()) return {};
  INGOT_TRY(device_->use());
  INGOT_ASSIGN(hostLogits_, device_->allocatePinned(static_cast<uint64_t>(limits_.rows) * variant_.logits_row_bytes(), "logits"));
  return {};
}

Status CudaProgram::enqueue(const Batch& batch) {
  const IngotBatch& view = batch.view();
  INGOT_TRY(device_->use());
  INGOT_TRY(send(view).at("the batch"));
  INGOT_TRY(profiling_ ? profileAll(view) : walks(view) ? walk(view) : launchOrReplay(view));
  INGOT_TRY(fetchResults(batch));
  return device_->record(nextSide().done);
}

Status CudaProgram::send(const IngotBatch& batch) {
  IngotBatch sent = batch;
  if (choosesTokens()) sent.chosen = reinterpret_cast<const ingot_i32*>(addressOfSlot(static_cast<uint32_t>(variant_.chosen_slot())));
  auto* host = nextSide().batch.host<std::byte>();
  return device_->copyToDevice(batch_.pointer(), host, packBatch(sent, batch_.pointer(), host));
}

// A row of logits is up to a megabyte, so only requested rows are copied.
Status CudaProgram::fetchResults(const Batch& batch) {
  for (RowRange rows : batch.logitRows()) INGOT_TRY(fetchRows(hostLogits_, variant_.logits_slot(), variant_.logits_row_bytes(), rows).at("logits"));
  if (!choosesTokens()) return {};
  INGOT_TRY(
      fetchRows(nextSide().chosen, static_cast<uint32_t>(variant_.chosen_slot()), sizeof(int32_t), {0, batch.view().num_rows}).at("chosen tokens"));
  return fetchRows(nextSide().logprobs, static_cast<uint32_t>(variant_.logprobs_slot()), sizeof(IngotLogprobs), batch.logprobRows())
      .at("log-probabilities");
}

Status CudaProgram::fetchRows(const CudaMemory& host, uint32_t slot, uint64_t rowBytes, RowRange rows) {
  if (rows.count == 0) return {};
  uint64_t first = static_cast<uint64_t>(rows.first) * rowBytes;
  return device_->copyToHost(host.host<std::byte>() + first, addressOfSlot(slot) + first, static_cast<uint64_t>(rows.count) * rowBytes);
}

// Whether attention steps with `leavesPrompts` have nothing to do: many tokens, and all query blocks are of prompts.
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
  return device.launch(kernels_[run.kernel], blocks, kernel->threads(), parameters);
}

std::string CudaProgram::nameOf(const BoundStep& step, const StepRun& run) const {
  return fmt::format("step {} ({})", &step - steps_.data(), variant_.kernels()->Get(run.kernel)->entry()->string_view());
}

Status CudaProgram::launchAll(CudaDevice& device, const IngotBatch& sizes, size_t first) const {
  bool ofPrompts = isOfPrompts(sizes);
  for (const BoundStep& step : std::span(steps_).subspan(first)) {
    if (ofPrompts && step.leavesPrompts) continue;
    StepRun run = runOf(*step.step, sizes);
    Status status = launchStep(device, step, run);
    if (!status.ok()) return std::move(status).at(nameOf(step, run));
  }
  return {};
}

Status CudaProgram::walk(const IngotBatch& batch) {
  const auto* persistent = variant_.persistent();
  CudaPointer packed = batch_.pointer();
  IngotOperands operands{{reinterpret_cast<void*>(walkedSteps_.pointer()), reinterpret_cast<void*>(walkCounter_.pointer())}};
  void* parameters[] = {&packed, &operands};
  INGOT_TRY(
      device_->launchCooperative(kernels_[persistent->kernel()], walkBlocks_, variant_.kernels()->Get(persistent->kernel())->threads(), parameters)
          .at("the persistent kernel"));
  return launchAll(*device_, batch, persistent->steps());
}

// Kernels read the number of tiles from the batch, so that one graph serves every batch of its bucket.
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
    auto seconds = device_->time([&] { return launchStep(*device_, steps_[i], run); });
    if (!seconds.ok()) return seconds.status().at(nameOf(steps_[i], run));  // if the GPU hangs, names the step that does
    profile_[i].seconds += *seconds;
  }
  return {};
}

}  // namespace ingot
