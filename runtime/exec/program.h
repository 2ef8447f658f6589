// A loaded variant: code, weights, buffers and KV pages bound to a device. Computes batches; knows no requests.
#pragma once

#include <memory>

#include "runtime/exec/batch.h"
#include "runtime/exec/machine.h"
#include "runtime/format/artifact.h"

namespace ingot {

// Time of one step of the program, summed over batches.
struct StepProfile {
  const plan::Step* step;
  double seconds = 0;
};

// How many KV pages a program gets: `wanted`, or fewer if a GPU lacks memory, but at least `least`. Weights, buffers and pages together take at most
// `share` of its memory, or `mostShare` if `least` pages need it.
struct CachePages {
  int32_t wanted = 0, least = 0;
  double share = 1, mostShare = 1;
};

// Thread-compatible. Refers to the artifact, which must outlive it.
class Program {
 public:
  // Binds the chosen variant to its device. `threads` is for CPUs.
  static Result<std::unique_ptr<Program>> load(const Artifact& artifact, const Choice& choice, const BatchLimits& limits, const CachePages& cache,
                                               int threads);
  virtual ~Program() = default;

  // The limits of load(), with `partials` set.
  const BatchLimits& limits() const { return limits_; }
  int32_t pages() const { return pages_; }

  // Computes the batch: writes keys and values to its pages, and makes the requested rows available in logits(). Errors are device failures.
  Status run(const Batch& batch) {
    INGOT_TRY(begin(batch));
    return finish();
  }
  // run() in two parts. begin() may return before the batch is computed; finish() waits for the oldest batch in flight. Its results are valid until
  // the next finish(), logits() only until the next begin(). At most mostBegun() batches may be in flight: with two, the device continues with the
  // second without waiting for the host, and the second may use tokens that the first one samples (IngotBatch).
  virtual int mostBegun() const { return 1; }
  virtual Status begin(const Batch& batch) = 0;
  virtual Status finish() = 0;
  virtual std::span<float> logits(int32_t row) = 0;
  // Whether the device samples the next token of every row, as the batch says: GPUs do. chosen() is -1 if no logit is finite or +inf.
  bool choosesTokens() const { return variant_.chosen_slot() >= 0; }
  virtual int32_t chosen(int32_t row) const = 0;
  // Most ids that sampling can be restricted to.
  int32_t mostAllowed() const { return static_cast<int32_t>(variant_.most_allowed()); }
  // For rows whose sampling asks for them, if choosesTokens().
  virtual const IngotLogprobs& logprobs(int32_t row) const = 0;
  virtual int threads() const = 0;
  // How long the last finish() waited for the device; 0 on CPUs.
  virtual double waitedSeconds() const { return 0; }
  // Waits for background work that speeds up later steps.
  virtual void settle() {}
  // One line: why steps are slower than they could be; empty if nothing is known. Thread-safe.
  virtual std::string warning() const { return {}; }
  const plan::Variant& variant() const { return variant_; }

  // From now on begin() measures every step separately, which is slower. `kernel` overrides the choice by rows, as in runOf().
  void startProfile(int kernel = -1);
  const std::vector<StepProfile>& profile() const { return profile_; }

 protected:
  Program(const plan::Variant& variant, const BatchLimits& limits) : variant_(variant), limits_(limits) {}
  // Sets the number of pages, and of partial results: enough for the splits of all pages, several times over for sequences that share pages.
  void setPages(int32_t pages);

  const plan::Variant& variant_;
  BatchLimits limits_;
  int32_t pages_ = 0;
  std::vector<StepProfile> profile_;
  bool profiling_ = false;
  int profiledKernel_ = -1;
};

// Sizes, the same on every device.
uint64_t cacheBytesPerPage(const plan::Plan& plan, const plan::Variant& variant);
Result<uint64_t> cacheBytes(const plan::Plan& plan, const plan::Variant& variant, int32_t pages);
Result<uint64_t> slotBytes(const plan::Slot& slot, const BatchLimits& limits);
// Whether a step runs over splits. If none does, as on CPUs, batches need no partial results.
bool splitsSequences(const plan::Variant& variant);
// Offset of the keys or values of an operand's layer in a page.
uint64_t cacheOffset(const plan::Variant& variant, const plan::Operand& operand);
// The range of weights: a segment of the file, or memory that is filled with random ones. Weights lie `offset - start` into it.
struct WeightRange {
  uint64_t start, bytes;
  bool filled;
};
WeightRange weightRange(const plan::Plan& plan);

// The kernel that a step runs for a batch, and its number of tiles: 0 if the step is for other batches. Chooses the last larger kernel whose
// `least_rows` the batch reaches; `kernel` overrides that: 0 for the step's own, i for its i-th larger one, or the last if there are fewer.
struct StepRun {
  uint32_t kernel;
  int64_t tiles;
};
StepRun runOf(const plan::Step& step, const IngotBatch& batch, int kernel = -1);
int64_t tilesOf(const plan::Step& step, const IngotBatch& batch);

}  // namespace ingot
