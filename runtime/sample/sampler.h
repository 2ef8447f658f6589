// Draws a token from a row of processed logits, and reads log-probabilities off a row. The CPU oracle of every device.
#pragma once

#include <span>

#include "runtime/sample/params.h"

namespace ingot {

// The id of the largest logit, the lowest id among equals. NaN never wins; a row of NaN gives 0.
// Whether any token is left: not masked, and not NaN.
bool hasCandidate(std::span<const float> logits);

int32_t argmax(std::span<const float> logits);

// Temperature, top-k, top-p, min-p, then one draw with `u` in (0, 1). Ids of equal probability are ordered by id.
// `order` is scratch that keeps its memory between calls.
int32_t draw(const SamplerSettings& settings, std::span<const float> logits, double u, std::vector<std::pair<float, int32_t>>& order);

// log(sum(exp(logits))), in double.
double logSumExp(std::span<const float> logits);

struct TokenLogprob {
  int32_t id;
  float logprob;
  int rank;  // 1 + the number of ids that are more likely
};
// The `count` most likely ids (-1: all) and `chosen`, which comes first.
std::vector<TokenLogprob> topLogprobs(std::span<const float> logits, int32_t chosen, int count);

}  // namespace ingot
