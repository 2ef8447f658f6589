// CUDA graphs of a program's launches, one per bucket of small batches. A background thread captures them on its own stream while steps run, one at a
// time: decoding batches first, small batches before large ones. Batches without a graph are launched step by step.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "runtime/device/cuda/device.h"
#include "runtime/exec/batch.h"

namespace ingot {

// find() and failure() are thread-safe; the rest belongs to one thread.
class CudaGraphs {
 public:
  // Launches all steps on the device's stream for batches up to these sizes. Called from the capturing thread.
  using LaunchAll = std::function<Status(CudaDevice&, const IngotBatch& sizes)>;

  // Starts capturing for batches of more than `walked` tokens; smaller ones run the persistent kernel. The destructor waits for the current capture
  // only.
  CudaGraphs(const CudaDriver& driver, const CudaDeviceInfo& info, const BatchLimits& limits, int32_t walked, LaunchAll launchAll);

  // Null if there is none (yet). Lock-free.
  const CudaGraph* find(const IngotBatch& batch) const;
  // For a GPU that hangs: stops capturing and frees nothing, because the driver would wait for the GPU.
  void abandon();
  // Returns when the last graph is captured or capturing has failed.
  void wait();
  // Why capturing stopped early; ok if it did not.
  Status failure() const { return isOver_.load(std::memory_order_acquire) ? failure_ : Status(); }

 private:
  // Batches of up to `tokens` tokens and `splits` splits. Batches whose tokens are apart (IngotBatch) sort first.
  struct Bucket {
    bool areTogether;
    ingot_i32 tokens, splits;
    auto operator<=>(const Bucket&) const = default;
  };
  struct Captured {
    CudaGraph graph;
    std::atomic<bool> isReady = false;  // `graph` is final
  };

  void run(const std::stop_token& stop);
  Status captureAll(const std::stop_token& stop);
  Result<CudaGraph> capture(const IngotBatch& sizes);

  const CudaDriver& driver_;
  const CudaDeviceInfo info_;
  const LaunchAll launchAll_;
  const ingot_i32 mostRows_;            // in a batch
  std::unique_ptr<CudaDevice> device_;  // the same GPU, with another stream; outlives the graphs
  std::map<Bucket, Captured> graphs_;   // complete before the thread starts; the graphs in it are not
  Status failure_;
  std::atomic<bool> isOver_ = false;  // `failure_` is final
  std::jthread thread_;
};

}  // namespace ingot
