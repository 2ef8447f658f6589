// A loaded variant: code, weights, buffers and KV pages bound to a device. Runs one step of a batch; knows no requests.
#pragma once

#include <memory>

#include "runtime/exec/batch.h"
#include "runtime/exec/machine.h"
#include "runtime/format/artifact.h"

namespace ingot {

// Time of one step of the program, summed over runs.
struct StepProfile {
  const plan::Step* step;
  double seconds = 0;
};

// How many pages of keys and values a program gets: those wanted, or as many as a GPU has room for, but at least `least`. Weights, buffers and pages
// together take `share` of its memory at most, or `mostShare` if `least` pages need it.
struct CachePages {
  int32_t wanted = 0, least = 0;
  double share = 1, mostShare = 1;
};

// Thread-compatible. Refers to the artifact, which must outlive it.
class Program {
 public:
  // Binds the variant that was chosen to its device. `threads` are for CPUs.
  static Result<std::unique_ptr<Program>> load(const Artifact& artifact, const Choice& choice, const BatchLimits& limits, const CachePages& cache,
                                               int threads);
  virtual ~Program() = default;

  // What it has: those of load(), with room for partial results.
  const BatchLimits& limits() const { return limits_; }
  int32_t pages() const { return pages_; }

  // Computes the batch: keys and values go to its pages, logits() has the rows that the batch wants. A failure is the device's.
  Status run(const Batch& batch) {
    INGOT_TRY(begin(batch));
    return finish();
  }
  // The same in two: begin() may return before the batch is computed, and finish() waits for the first one that has begun and not finished,
  // whose results stand here until the next finish(); logits() only until the next begin(). So many may have begun and not finished:
  // with two the device goes from one to the next by itself, and the second one may take tokens that the first one chooses (IngotBatch).
  virtual int mostBegun() const { return 1; }
  virtual Status begin(const Batch& batch) = 0;
  virtual Status finish() = 0;
  virtual std::span<float> logits(int32_t row) = 0;
  // Whether a token is drawn behind every row, as its batch says: GPUs do. -1 where no logit is finite or +inf.
  bool choosesTokens() const { return variant_.chosen_slot() >= 0; }
  virtual int32_t chosen(int32_t row) const = 0;
  // Ids that the choice of a token may be restricted to, at most.
  int32_t mostAllowed() const { return static_cast<int32_t>(variant_.most_allowed()); }
  // Of rows whose sampling asks for them, where a token is drawn.
  virtual const IngotLogprobs& logprobs(int32_t row) const = 0;
  virtual int threads() const = 0;
  // Of the last finish(): how long its thread only waited for the device; 0 on CPUs.
  virtual double waitedSeconds() const { return 0; }
  // Returns when nothing that speeds up later steps is still going on in the background.
  virtual void settle() {}
  // What makes steps slower than they could be, one line; empty: nothing is known. Thread-safe.
  virtual std::string warning() const { return {}; }
  const plan::Variant& variant() const { return variant_; }

  // From here on begin() measures every step by itself, and is slower. A `kernel` stands in for the choice by rows, as in runOf().
  void startProfile(int kernel = -1);
  const std::vector<StepProfile>& profile() const { return profile_; }

 protected:
  Program(const plan::Variant& variant, const BatchLimits& limits) : variant_(variant), limits_(limits) {}
  // Sets the number of pages, and of partial results: all that these pages make, several times over for sequences that share pages.
  void setPages(int32_t pages);

  const plan::Variant& variant_;
  BatchLimits limits_;
  int32_t pages_ = 0;
  std::vector<StepProfile> profile_;
  bool profiling_ = false;
  int profiledKernel_ = -1;
};

// Sizes that a program needs, the same on every device.
uint64_t cacheBytesPerPage(const plan::Plan& plan, const plan::Variant& variant);
Result<uint64_t> cacheBytes(const plan::Plan& plan, const plan::Variant& variant, int32_t pages);
Result<uint64_t> slotBytes(const plan::Slot& slot, const BatchLimits& limits);
// Whether a step runs over splits: where none does, as on CPUs, a batch needs no partial results.
bool splitsSequences(const plan::Variant& variant);
// From the start of a page to the keys or values of an operand's layer.
uint64_t cacheOffset(const plan::Variant& variant, const plan::Operand& operand);
// Where the weights of a file lie: a segment of it, or a range that fillings make. Offsets of weights count from `start`.
struct WeightRange {
  uint64_t start, bytes;
  bool filled;
};
WeightRange weightRange(const plan::Plan& plan);

// The kernel that a step runs for a batch, the largest one that its rows are enough for, and its tiles, of which a step that other batches run
// has none; or whatever the rows, its own one (0) or its `kernel`-th larger one, at most its last.
struct StepRun {
  uint32_t kernel;
  int64_t tiles;
};
StepRun runOf(const plan::Step& step, const IngotBatch& batch, int kernel = -1);
int64_t tilesOf(const plan::Step& step, const IngotBatch& batch);

}  // namespace ingot
