// One step's batch as the kernels read it: arrays of fixed capacity, filled anew for every step without allocating.
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
};

// Thread-compatible.
class Batch {
 public:
  explicit Batch(const BatchLimits& limits);

  void clear();
  // Adds new tokens of one sequence; the first has `position` in it. Its last `rows` tokens want logits.
  // `pages` holds ids for every position up to the last. The caller keeps to the limits.
  void add(std::span<const int32_t> tokens, int32_t position, int32_t rows, std::span<const int32_t> pages);

  const IngotBatch& view() const { return view_; }
  const BatchLimits& limits() const { return limits_; }

 private:
  BatchLimits limits_;
  IngotBatch view_{};
  std::vector<ingot_i32> tokenIds_, positions_, sequenceOf_, rows_, pageTable_;
  std::vector<IngotQueryBlock> blocks_;
};

}  // namespace ingot
