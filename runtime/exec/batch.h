// One step's batch as the kernels read it: arrays of fixed capacity, filled anew for every step without allocating.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/abi/abi.h"

namespace ingot {

// Room for the partial results of a step: all that a pool of pages makes, several times over for sequences that share pages.
constexpr int32_t partialsFor(int32_t sequences, int64_t pages) {
  constexpr int32_t kMost = 1 << 17, kShared = 4;
  int64_t partials = sequences + kShared * pages * INGOT_PAGE_TOKENS / INGOT_SPLIT_TOKENS;
  return partials < kMost ? static_cast<int32_t>(partials) : kMost;
}

struct BatchLimits {
  int32_t tokens = 0, sequences = 0, rows = 0;
  int32_t pagesPerSequence = 0;
  int32_t queryBlock = 16;  // most tokens in one query block
  int32_t partials = 0;     // results of splits that a step can hold; tokens without room for theirs are not split
};

// Rows of logits, [first, first + count).
struct RowRange {
  int32_t first, count;
};

// Thread-compatible.
class Batch {
 public:
  explicit Batch(const BatchLimits& limits);

  void clear();
  // Adds new tokens of one sequence; the first has `position` in it. Its last `rows` tokens have logits, and are chosen from;
  // `readsLogits` where the logits themselves are wanted. `pages` holds ids for every position up to the last. The caller keeps to the
  // limits.
  void add(std::span<const int32_t> tokens, int32_t position, int32_t rows, std::span<const int32_t> pages, bool readsLogits = true);

  const IngotBatch& view() const { return view_; }
  const BatchLimits& limits() const { return limits_; }
  // The rows that are read, neighbours in one range.
  std::span<const RowRange> logitRows() const { return logitRows_; }

 private:
  void split(int32_t block, int32_t tokens, int32_t lastPosition);

  BatchLimits limits_;
  IngotBatch view_{};
  std::vector<ingot_i32> tokenIds_, positions_, sequenceOf_, rows_, pageTable_;
  std::vector<IngotQueryBlock> blocks_;
  std::vector<IngotSplit> splits_;
  std::vector<RowRange> logitRows_;
  int32_t partials_ = 0;  // taken
};

}  // namespace ingot
