// One step's batch as kernels read it: arrays of fixed capacity, refilled for every step without allocating.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/abi/abi.h"

namespace ingot {

struct BatchLimits {
  int32_t tokens = 0, sequences = 0, rows = 0;
  int32_t pagesPerSequence = 0;
  int32_t queryBlock = 16;  // most tokens in one query block
  int32_t edits = 0;        // edits of logits in a step, at most
  int32_t partials = 0;     // partial results of splits in a step, at most; beyond, tokens are not split. Set by the program
};

// Rows of logits, [first, first + count).
struct RowRange {
  int32_t first, count;
};

// The default for a row: the most likely token.
constexpr IngotSampling kMostLikely{.top_k = 1};

// Thread-compatible.
class Batch {
 public:
  explicit Batch(const BatchLimits& limits);

  void clear();
  // Whether this many more edits fit.
  bool hasRoomFor(size_t edits) const { return edits + static_cast<size_t>(view_.num_edits) <= edits_.size(); }
  // Adds new tokens of one sequence; the first has `position` in it. Its last `rows` tokens have logits, in the rows that are returned.
  // `pages` holds ids for every position up to the last. The caller keeps to the limits.
  RowRange add(std::span<const int32_t> tokens, int32_t position, int32_t rows, std::span<const int32_t> pages);
  // Requests results of rows; both are called in ascending order of rows. readLogits(): the logits themselves. choose(): GPUs sample a token with
  // `sampling` after they apply `edits` to the logits, and compute the data for log-probabilities.
  void readLogits(RowRange rows);
  void choose(int32_t row, const IngotSampling& sampling, std::span<const IngotEdit> edits = {});

  const IngotBatch& view() const { return view_; }
  const BatchLimits& limits() const { return limits_; }
  // The rows of readLogits(), with neighbours merged.
  std::span<const RowRange> logitRows() const { return logitRows_; }
  // From the first to the last row with log-probabilities.
  RowRange logprobRows() const { return logprobRows_; }

 private:
  void split(int32_t block, int32_t tokens, int32_t lastPosition);

  BatchLimits limits_;
  IngotBatch view_{};
  std::vector<ingot_i32> tokenIds_, positions_, sequenceOf_, rows_, pageTable_;
  std::vector<IngotQueryBlock> blocks_;
  std::vector<IngotSplit> splits_;
  std::vector<IngotSampling> samplings_;
  std::vector<IngotEdit> edits_;
  std::vector<RowRange> logitRows_;
  RowRange logprobRows_{};
  int32_t partials_ = 0;  // in use
};

}  // namespace ingot
