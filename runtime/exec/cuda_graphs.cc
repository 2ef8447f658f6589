#include "runtime/exec/cuda_graphs.h"

#include <algorithm>

namespace ingot {
namespace {

// Most tokens of a batch with a graph; the kernels of larger ones take longer than a launch.
constexpr ingot_i32 kLargestBucket = 256;
static_assert(kLargestBucket < INGOT_MANY_TOKENS, "graphs have no steps of many tokens");

ingot_i32 bucketOf(int64_t count) {
  ingot_i32 bucket = 1;
  while (bucket < count) bucket *= 2;
  return bucket;
}

// The range of split buckets within a token bucket. Prompts in full query blocks make the fewest splits.
struct SplitBuckets {
  ingot_i32 first, last;
};
SplitBuckets splitBuckets(ingot_i32 tokens, bool areTogether, const BatchLimits& limits) {
  int64_t ofSequence = (int64_t{limits.pagesPerSequence} * INGOT_PAGE_TOKENS + INGOT_SPLIT_TOKENS - 1) / INGOT_SPLIT_TOKENS;
  int64_t most = std::min(tokens * std::max<int64_t>(ofSequence, 1), int64_t{tokens} + limits.partials);
  return {areTogether ? bucketOf(tokens / 2 / limits.queryBlock + 1) : tokens, bucketOf(most)};
}

}  // namespace

CudaGraphs::CudaGraphs(const CudaDriver& driver, const CudaDeviceInfo& info, const BatchLimits& limits, int32_t walked, LaunchAll launchAll)
    : driver_(driver), info_(info), launchAll_(std::move(launchAll)), mostRows_(limits.rows) {
  ingot_i32 largest = bucketOf(std::min(limits.tokens, kLargestBucket));
  for (ingot_i32 tokens = bucketOf(int64_t{walked} + 1); tokens <= largest; tokens *= 2) {
    for (bool areTogether : {false, true}) {
      if (areTogether && tokens == 1) continue;
      SplitBuckets splits = splitBuckets(tokens, areTogether, limits);
      for (ingot_i32 count = splits.first; count <= splits.last; count *= 2) graphs_.try_emplace({areTogether, tokens, count});
    }
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

const CudaGraph* CudaGraphs::find(const IngotBatch& batch) const {
  if (batch.num_tokens > kLargestBucket) return nullptr;
  auto found = graphs_.find({batch.are_apart == 0, bucketOf(batch.num_tokens), bucketOf(batch.num_splits)});
  return found != graphs_.end() && found->second.isReady.load(std::memory_order_acquire) ? &found->second.graph : nullptr;
}

void CudaGraphs::wait() {
  if (thread_.joinable()) thread_.join();
}

void CudaGraphs::abandon() {
  thread_.request_stop();
  wait();
  if (device_) device_->abandon();
}

void CudaGraphs::run(const std::stop_token& stop) {
  failure_ = captureAll(stop);
  isOver_.store(true, std::memory_order_release);
}

Status CudaGraphs::captureAll(const std::stop_token& stop) {
  INGOT_ASSIGN(device_, CudaDevice::open(driver_, info_));
  for (auto& [bucket, captured] : graphs_) {
    if (stop.stop_requested()) return {};
    ingot_i32 tokens = bucket.tokens;
    IngotBatch sizes{.num_tokens = tokens,
                     .num_sequences = tokens,
                     .num_rows = std::min(tokens, mostRows_),
                     .num_blocks = tokens,
                     .num_splits = bucket.splits,
                     .are_apart = !bucket.areTogether};
    INGOT_ASSIGN(captured.graph, capture(sizes));
    captured.isReady.store(true, std::memory_order_release);
  }
  return {};
}

Result<CudaGraph> CudaGraphs::capture(const IngotBatch& sizes) {
  INGOT_TRY(device_->beginCapture());
  Status launched = launchAll_(*device_, sizes);
  auto captured = device_->endCapture();  // also after a failure, so that the stream leaves capture mode
  INGOT_TRY(std::move(launched));
  return captured;
}

}  // namespace ingot
