// A row of logits in blocks with their highest logits, by which most of a vocabulary is passed over, and the weights of its ids.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/abi/abi.h"
#include "runtime/sample/block.h"

namespace ingot {

using Candidate = IngotCandidate;
// More likely first, then the lower id. No NaN.
inline bool isBefore(const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; }

// Memory that calls of this folder use anew, so that they allocate nothing.
struct SamplerScratch {
  std::vector<float> highest, ranked;  // of each block
  std::vector<Candidate> candidates;
  std::vector<uint64_t> blockMasses, bucketMasses;
  std::vector<IngotEdit> edits;
  std::vector<float> raw;  // a row before it was changed
};

// Refers to logits and scratch. Thread-compatible.
class Row {
 public:
  // `scale` is log2(e) / temperature.
  Row(std::span<const float> logits, float scale, SamplerScratch& scratch);

  float best() const { return best_; }  // -inf where every logit is that or NaN
  size_t vocab() const { return logits_.size(); }
  size_t blocks() const { return scratch_.highest.size(); }
  uint64_t weightOf(float logit) const;
  // Whether an id of block b is at least `lowest` and weighs something.
  bool reaches(size_t b, float lowest) const;
  // The block's logits; behind the last one of the row NaN.
  const float* block(size_t b, float (&padded)[kBlock]) const { return blockOf(logits_, b, padded); }
  // Weights of the ids that are at least `lowest`, 0 for the others: their sum by block, in scratch.blockMasses, and of all.
  uint64_t massFrom(float lowest) const;
  void weigh(size_t b, float lowest, BlockWeights& weights) const;

  // The `count` first ids that are at least `lowest`, in no order but that the last of them is at the end; in scratch.candidates.
  std::span<Candidate> mostLikely(size_t count, float lowest) const;
  int countAbove(float logit) const;

 private:
  std::span<const float> logits_;
  float scale_, best_;
  SamplerScratch& scratch_;
};

}  // namespace ingot
