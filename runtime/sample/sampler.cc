#include "runtime/sample/sampler.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>

#include "kernels/abi/sampling.h"

namespace ingot {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();
constexpr float kBucketsPerOctave = 32;
constexpr auto kBuckets = static_cast<size_t>(-INGOT_WEIGHTLESS * kBucketsPerOctave);

// The ids up to the last one, and what they weigh together.
struct Kept {
  Candidate last;
  uint64_t mass;
};

// One draw from a row that has a candidate.
class Draw {
 public:
  Draw(const IngotSampling& sampling, const Row& row, SamplerScratch& scratch)
      : sampling_(sampling), row_(row), scratch_(scratch), lowest_(row.best() + sampling.floor) {}

  int32_t run() const {
    auto topK = static_cast<size_t>(sampling_.top_k);
    if (topK > 0 && topK < row_.vocab()) return pick(keepTopK(topK));
    uint64_t mass = row_.massFrom(lowest_);
    return sampling_.top_p ? pick(keepTopP(mass)) : pickFromAll(mass);
  }

 private:
  Kept keepTopK(size_t count) const {
    auto candidates = row_.mostLikely(count, lowest_);
    uint64_t mass = massOf(candidates);
    if (!sampling_.top_p) return {candidates.back(), mass};
    return reach(candidates, 0, ingotShare(mass, sampling_.top_p));
  }

  Kept keepTopP(uint64_t total) const {
    constexpr size_t kMostlyEnough = 256;
    uint64_t wanted = ingotShare(total, sampling_.top_p);
    auto first = row_.mostLikely(kMostlyEnough, lowest_);
    if (massOf(first) >= wanted) return reach(first, 0, wanted);
    auto [bucket, before] = findBucket(wanted);
    return reach(idsOf(bucket), before, wanted);
  }

  // Exponents do not grow where logits fall, and so buckets of them are in the order of ids.
  static size_t bucketOf(float exponent) { return std::min(static_cast<size_t>(exponent * -kBucketsPerOctave), kBuckets); }

  // The bucket with the last id that is kept, and the mass before it.
  std::pair<size_t, uint64_t> findBucket(uint64_t wanted) const {
    auto& masses = scratch_.bucketMasses;
    masses.assign(kBuckets + 1, 0);
    BlockWeights weights;
    for (size_t b = 0; b < row_.blocks(); ++b) {
      if (!scratch_.blockMasses[b]) continue;
      row_.weigh(b, lowest_, weights);
      for (size_t i = 0; i < kBlock; ++i) masses[bucketOf(weights.exponents[i])] += weights.weights[i];
    }
    size_t bucket = 0;
    uint64_t before = 0;
    while (before + masses[bucket] < wanted) before += masses[bucket++];
    return {bucket, before};
  }

  std::span<Candidate> idsOf(size_t bucket) const {
    auto& candidates = scratch_.candidates;
    candidates.clear();
    float padded[kBlock];
    BlockWeights weights;
    for (size_t b = 0; b < row_.blocks(); ++b) {
      if (!scratch_.blockMasses[b]) continue;
      const float* block = row_.block(b, padded);
      row_.weigh(b, lowest_, weights);
      for (size_t i = 0; i < kBlock; ++i)
        if (weights.weights[i] && bucketOf(weights.exponents[i]) == bucket) candidates.push_back({block[i], static_cast<int32_t>(b * kBlock + i)});
    }
    return candidates;
  }

  uint64_t massOf(std::span<const Candidate> candidates) const {
    uint64_t mass = 0;
    for (const Candidate& one : candidates) mass += row_.weightOf(one.logit);
    return mass;
  }

  // The fewest first candidates that, with the mass of those before them, have as much as is wanted; one at least.
  Kept reach(std::span<Candidate> candidates, uint64_t mass, uint64_t wanted) const {
    while (candidates.size() > 1) {
      auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(candidates.size() / 2);
      std::nth_element(candidates.begin(), middle, candidates.end(), isBefore);
      std::span<Candidate> first(candidates.begin(), middle);
      uint64_t firstMass = massOf(first);
      if (mass + firstMass >= wanted) {
        candidates = first;
      } else {
        mass += firstMass;
        candidates = {middle, candidates.end()};
      }
    }
    return {candidates[0], mass + row_.weightOf(candidates[0].logit)};
  }

  int32_t pick(const Kept& kept) const {
    uint64_t left = ingotShare(kept.mass, sampling_.uniform);
    float padded[kBlock];
    BlockWeights weights;
    for (size_t b = 0; b < row_.blocks(); ++b) {
      if (!row_.reaches(b, kept.last.logit)) continue;
      const float* block = row_.block(b, padded);
      row_.weigh(b, kept.last.logit, weights);
      for (size_t i = 0; i < kBlock; ++i) {
        auto id = static_cast<int32_t>(b * kBlock + i);
        if (block[i] == kept.last.logit && id > kept.last.id) continue;
        if (left < weights.weights[i]) return id;
        left -= weights.weights[i];
      }
    }
    return -1;
  }

  int32_t pickFromAll(uint64_t mass) const {
    uint64_t left = ingotShare(mass, sampling_.uniform);
    size_t b = 0, i = 0;
    while (left >= scratch_.blockMasses[b]) left -= scratch_.blockMasses[b++];
    BlockWeights weights;
    row_.weigh(b, lowest_, weights);
    while (left >= weights.weights[i]) left -= weights.weights[i++];
    return static_cast<int32_t>(b * kBlock + i);
  }

  const IngotSampling& sampling_;
  const Row& row_;
  SamplerScratch& scratch_;
  float lowest_;
};

}  // namespace

int32_t argmax(std::span<const float> logits) {
  float best = kMasked, padded[kBlock];
  size_t bestBlock = 0;
  for (size_t b = 0; b * kBlock < logits.size(); ++b) {
    float high = highestOfBlock(blockOf(logits, b, padded));
    if (high > best) best = high, bestBlock = b;
  }
  if (!(best > kMasked)) return -1;
  return static_cast<int32_t>(std::find(logits.begin() + static_cast<std::ptrdiff_t>(bestBlock * kBlock), logits.end(), best) - logits.begin());
}

IngotSampling samplingOf(const SamplerSettings& settings, double u) {
  IngotSampling sampling{.floor = -FLT_MAX, .top_k = 1};
  if (settings.greedy()) return sampling;
  sampling.scale = static_cast<float>(1.4426950408889634 / settings.temperature);
  if (settings.minP > 0) sampling.floor = static_cast<float>(std::log(static_cast<double>(settings.minP)) * settings.temperature);
  sampling.top_k = settings.topK;
  if (settings.topP < 1) sampling.top_p = static_cast<uint64_t>(static_cast<double>(settings.topP) * 0x1p64);
  sampling.uniform = static_cast<uint64_t>(u * 0x1p64);
  return sampling;
}

int32_t draw(const IngotSampling& sampling, std::span<const float> logits, SamplerScratch& scratch) {
  if (sampling.top_k == 1) return argmax(logits);
  Row row(logits, sampling.scale, scratch);
  return row.best() > kMasked ? Draw(sampling, row, scratch).run() : -1;
}

}  // namespace ingot
