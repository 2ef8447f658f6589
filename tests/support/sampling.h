// Rows of logits and settings that are hard for samplers, and sampling as kernels/abi/sampling.h defines it, by sorting.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/abi/sampling.h"
#include "runtime/sample/sampler.h"
#include "tests/support/random.h"

namespace ingot::test {

// Smooth or full of ties, sharp or flat, with infinities and NaN here and there.
inline std::vector<float> randomLogits(Random& random, size_t count) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<float> logits = random.normals(count, random.chance(0.5) ? 4.0f : 0.5f);
  if (random.chance(0.3))
    for (float& logit : logits) logit = std::round(logit);
  if (random.chance(0.1)) std::fill(logits.begin(), logits.end(), -0.5f);
  auto somewhere = [&]() -> float& { return logits[static_cast<size_t>(random.integer(0, static_cast<int64_t>(count) - 1))]; };
  if (random.chance(0.3))
    for (size_t i = 0; i < count / 4 + 1; ++i) somewhere() = -kInf;
  if (random.chance(0.3)) somewhere() = std::numeric_limits<float>::quiet_NaN();
  if (random.chance(0.3)) somewhere() = 15, somewhere() = -1e30f, somewhere() = -0.0f, somewhere() = 0.0f;
  if (random.chance(0.05)) somewhere() = kInf, somewhere() = kInf;
  return logits;
}

inline IngotSampling randomSampling(Random& random, int vocab) {
  SamplerSettings settings;
  settings.temperature = std::pow(10.0f, 0.01f * static_cast<float>(random.integer(-200, 200)));
  if (random.chance(0.5)) settings.topK = static_cast<int>(random.chance(0.5) ? random.integer(1, 60) : random.integer(vocab - 1, vocab + 1));
  if (random.chance(0.6)) settings.topP = random.chance(0.2) ? 1e-6f : 0.001f * static_cast<float>(random.integer(1, 999));
  if (random.chance(0.3)) settings.minP = 0.01f * static_cast<float>(random.integer(0, 100));
  if (random.chance(0.05)) settings.temperature = 0;
  double u = random.chance(0.1) ? 1 - 0x1p-53 : static_cast<double>(random.integer(0, (int64_t{1} << 53) - 1)) * 0x1p-53;
  return samplingOf(settings, u);
}

inline int32_t drawByDefinition(const IngotSampling& sampling, const std::vector<float>& logits) {
  std::vector<Candidate> kept;
  float best = -std::numeric_limits<float>::infinity();
  for (float logit : logits) best = logit > best ? logit : best;
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > -std::numeric_limits<float>::infinity() && (logits[i] >= best + sampling.floor || sampling.top_k == 1))
      kept.push_back({logits[i], static_cast<int32_t>(i)});
  if (kept.empty()) return -1;
  std::sort(kept.begin(), kept.end(), isBefore);
  if (sampling.top_k > 0 && static_cast<size_t>(sampling.top_k) < kept.size()) kept.resize(static_cast<size_t>(sampling.top_k));
  auto massOf = [&](size_t count) {
    uint64_t mass = 0;
    for (size_t i = 0; i < count; ++i) mass += ingotWeight(kept[i].logit, best, sampling.scale);
    return mass;
  };
  if (sampling.top_p) {
    uint64_t wanted = ingotShare(massOf(kept.size()), sampling.top_p), mass = 0;
    size_t count = 0;
    while (count < 1 || mass < wanted) mass += ingotWeight(kept[count++].logit, best, sampling.scale);
    kept.resize(count);
  }
  uint64_t left = ingotShare(massOf(kept.size()), sampling.uniform);
  std::sort(kept.begin(), kept.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  for (const Candidate& one : kept) {
    uint64_t weight = ingotWeight(one.logit, best, sampling.scale);
    if (left < weight) return one.id;
    left -= weight;
  }
  return -1;
}

}  // namespace ingot::test
