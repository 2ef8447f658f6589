// A program on a GPU. Weights are uploaded once, or read from the mapped file. A batch is sent in one copy, then each step is one launch; small
// batches replay the graph of the next larger bucket as soon as it is captured, and a single token may run as one persistent kernel.
#pragma once

#include <array>

#include "runtime/exec/cuda_graphs.h"
#include "runtime/exec/program.h"

namespace ingot {

class CudaProgram : public Program {
 public:
  static Result<std::unique_ptr<Program>> load(const Artifact& artifact, const Choice& choice, const BatchLimits& limits, const CachePages& cache);

  int mostBegun() const override { return static_cast<int>(std::size(sides_)); }
  ~CudaProgram() override;
  Status begin(const Batch& batch) override;
  Status finish() override;
  std::span<float> logits(int32_t row) override;
  int32_t chosen(int32_t row) const override { return finishedSide().chosen.host<int32_t>()[row]; }
  const IngotLogprobs& logprobs(int32_t row) const override { return finishedSide().logprobs.host<IngotLogprobs>()[row]; }
  int threads() const override { return 0; }
  double waitedSeconds() const override { return waitedSeconds_; }
  void settle() override { graphs_->wait(); }
  std::string warning() const override;

 private:
  struct BoundStep {
    IngotOperands operands;
    const plan::Step* step;
    std::map<uint32_t, CudaPointer> maps;  // kernel -> tensor map of its rows
    bool leavesPrompts;                    // in batches of many tokens, the next step computes prompts
  };
  // Pinned host memory of a batch: its data, and the results, which are complete when `done` is.
  struct HostSide {
    CudaMemory batch, chosen, logprobs;
    CudaEvent done;
  };

  CudaProgram(const Artifact& artifact, const plan::Variant& variant, const BatchLimits& limits)
      : Program(variant, limits), artifact_(artifact), range_(weightRange(artifact.plan())) {}
  Status bind(const Choice& choice, const CachePages& cache);
  Status choosePages(const CachePages& cache);
  Result<uint64_t> bytesWith(int64_t pages);
  Result<int64_t> pagesIn(uint64_t room);
  Status doesNotFit(const CachePages& cache, uint64_t free, uint64_t room, uint64_t mostRoom);
  // Lays out the slots. Returns their total bytes.
  Result<uint64_t> placeSlots();
  Status loadKernels();
  Status placeBuffers();
  // Whether kernels read weights in the mapped file: on a GPU that shares the host's memory, unless weights are random ones.
  bool readsFile() const { return !range_.filled && device_->info().readsHostMemory(); }
  Status placeWeights();
  Status bindSteps();
  Status bindMaps();
  Status bindPersistent();
  CudaPointer addressOf(const plan::Operand& operand) const;
  CudaPointer addressOfSlot(uint32_t slot) const { return buffers_.pointer() + slotOffsets_[slot]; }

  Status makeSide(HostSide& side);
  HostSide& nextSide() { return sides_[numBegun_ % std::size(sides_)]; }  // of the next batch to begin
  const HostSide& finishedSide() const { return sides_[(numFinished_ - 1) % std::size(sides_)]; }
  Status send(const IngotBatch& batch);
  Status enqueue(const Batch& batch);
  // Records a failure for good, as deviceLost. Returns the recorded failure, or ok.
  Status keep(Status status);
  Status makeRoomForLogits(const Batch& batch);
  // Read only state that is final once bound, so that any thread may capture the launches on its own stream.
  Status launchAll(CudaDevice& device, const IngotBatch& sizes, size_t first = 0) const;
  Status launchStep(CudaDevice& device, const BoundStep& step, const StepRun& run) const;
  std::string nameOf(const BoundStep& step, const StepRun& run) const;
  Status launchOrReplay(const IngotBatch& batch);
  // Most tokens of a batch that runs as the persistent kernel.
  int32_t mostWalked() const { return walkBlocks_ ? 1 : 0; }
  bool walks(const IngotBatch& batch) const { return batch.num_tokens <= mostWalked() && batch.are_apart; }
  Status walk(const IngotBatch& batch);
  Status profileAll(const IngotBatch& sizes);
  Status fetchResults(const Batch& batch);
  Status fetchRows(const CudaMemory& host, uint32_t slot, uint64_t rowBytes, RowRange rows);

  const Artifact& artifact_;
  const WeightRange range_;             // of weights in the file, or in memory if they are filled
  std::unique_ptr<CudaDevice> device_;  // outlives all that it allocated
  std::vector<CudaKernel> kernels_;
  std::vector<unsigned> mostBlocks_;  // per kernel: most blocks of a launch
  CudaMemory weights_, buffers_, cache_, batch_;
  CudaPointer firstWeight_ = 0;
  std::array<HostSide, 2> sides_;
  uint64_t numBegun_ = 0, numFinished_ = 0;
  CudaMemory hostLogits_;  // allocated when logits are first read
  std::vector<uint64_t> slotOffsets_;
  std::vector<BoundStep> steps_;
  CudaMemory maps_;                       // tensor maps of rows, for larger kernels
  CudaMemory walkedSteps_, walkCounter_;  // for the persistent kernel
  unsigned walkBlocks_ = 0;               // of the persistent kernel; 0: none
  Status failed_;                         // the failure that ended the device's use
  double waitedSeconds_ = 0;
  std::unique_ptr<CudaGraphs> graphs_;  // last: its thread reads the members above
};

}  // namespace ingot
