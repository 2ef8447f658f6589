// Log-probabilities off a row of logits.
#pragma once

#include "runtime/sample/row.h"

namespace ingot {

struct TokenLogprob {
  int32_t id;
  float logprob;
  int rank;  // 1 + the number of ids that are more likely
};
// The `count` most likely ids (-1: all) and `chosen`, which comes first. NaN has no place among them.
std::vector<TokenLogprob> topLogprobs(std::span<const float> logits, int32_t chosen, int count, SamplerScratch& scratch);

}  // namespace ingot
