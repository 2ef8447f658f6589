// Graphs of a program's launches, one for each bucket of small batches. They are captured by a thread of their own, on a stream of its
// own, while steps run: one after another, those that decode first, smallest batches first. What has no graph yet, or never will, is launched step by
// step.
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
  // Launches all steps on the device's stream, for batches of up to such sizes. Called from the capturing thread.
  using LaunchAll = std::function<Status(CudaDevice&, const IngotBatch& sizes)>;

  // Captures what batches of more than `walked` tokens need. The end waits for the capture in hand, not for the others.
  CudaGraphs(const CudaDriver& driver, const CudaDeviceInfo& info, const BatchLimits& limits, int32_t walked, LaunchAll launchAll);

  // Null: there is none, or not yet. Takes no lock.
  const CudaGraph* find(const IngotBatch& batch) const;
  // The GPU hangs: no more is captured, and nothing is given back, which would wait for it.
  void abandon();
  // Returns when the last graph is captured, or one has failed.
  void wait();
  // Of the capture that was the last one for that.
  Status failure() const { return isOver_.load(std::memory_order_acquire) ? failure_ : Status(); }

 private:
  // Up to so many tokens and splits; tokens that are apart (IngotBatch) come first.
  struct Bucket {
    bool areTogether;
    ingot_i32 tokens, splits;
    auto operator<=>(const Bucket&) const = default;
  };
  struct Captured {
    CudaGraph graph;
    std::atomic<bool> isReady = false;  // `graph` changes no more
  };

  void run(const std::stop_token& stop);
  Status captureAll(const std::stop_token& stop);
  Result<CudaGraph> capture(const IngotBatch& sizes);

  const CudaDriver& driver_;
  const CudaDeviceInfo info_;
  const LaunchAll launchAll_;
  const ingot_i32 mostRows_;            // of a batch
  std::unique_ptr<CudaDevice> device_;  // the same GPU, with another stream; outlives the graphs
  std::map<Bucket, Captured> graphs_;   // none is added once the thread runs
  Status failure_;
  std::atomic<bool> isOver_ = false;  // `failure_` changes no more
  std::jthread thread_;
};

}  // namespace ingot
