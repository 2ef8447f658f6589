#include "runtime/sample/row.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "kernels/abi/sampling.h"

namespace ingot {

Row::Row(std::span<const float> logits, float scale, SamplerScratch& scratch)
    : logits_(logits), scale_(scale), best_(-std::numeric_limits<float>::infinity()), scratch_(scratch) {
  scratch.highest.resize((logits.size() + kBlock - 1) / kBlock);
  float padded[kBlock];
  for (size_t b = 0; b < blocks(); ++b) {
    scratch.highest[b] = highestOfBlock(block(b, padded));
    best_ = std::max(best_, scratch.highest[b]);
  }
}

uint64_t Row::weightOf(float logit) const { return ingotWeight(logit, best_, scale_); }

// Exponents do not grow where logits fall.
bool Row::reaches(size_t b, float lowest) const {
  return scratch_.highest[b] >= lowest && ingotExponent(scratch_.highest[b], best_, scale_) > INGOT_WEIGHTLESS;
}

uint64_t Row::massFrom(float lowest) const {
  auto& masses = scratch_.blockMasses;
  masses.assign(blocks(), 0);
  uint64_t mass = 0;
  float padded[kBlock];
  for (size_t b = 0; b < blocks(); ++b)
    if (reaches(b, lowest)) mass += masses[b] = massOfBlock(block(b, padded), best_, scale_, lowest);
  return mass;
}

void Row::weigh(size_t b, float lowest, BlockWeights& weights) const {
  float padded[kBlock];
  weighBlock(block(b, padded), best_, scale_, lowest, weights);
}

std::span<Candidate> Row::mostLikely(size_t count, float lowest) const {
  auto& candidates = scratch_.candidates;
  candidates.clear();
  if (count == 0) return candidates;
  // As many blocks have an id of at least the count-th highest block's.
  if (count < blocks()) {
    auto& ranked = scratch_.ranked;
    ranked.assign(scratch_.highest.begin(), scratch_.highest.end());
    auto last = ranked.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(ranked.begin(), last, ranked.end(), std::greater());
    lowest = std::max(lowest, *last);
  }
  for (size_t b = 0; b < blocks(); ++b) {
    if (scratch_.highest[b] < lowest) continue;
    size_t end = std::min((b + 1) * kBlock, logits_.size());
    for (size_t i = b * kBlock; i < end; ++i)
      if (logits_[i] >= lowest) candidates.push_back({logits_[i], static_cast<int32_t>(i)});
  }
  if (candidates.size() > count) {
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count - 1), candidates.end(), isBefore);
    candidates.resize(count);
  } else if (!candidates.empty()) {
    std::iter_swap(std::max_element(candidates.begin(), candidates.end(), isBefore), candidates.end() - 1);
  }
  return candidates;
}

int Row::countAbove(float logit) const {
  int count = 0;
  float padded[kBlock];
  for (size_t b = 0; b < blocks(); ++b) {
    if (!(scratch_.highest[b] > logit)) continue;
    const float* values = block(b, padded);
    for (size_t i = 0; i < kBlock; ++i) count += values[i] > logit;
  }
  return count;
}

}  // namespace ingot
