// Log-probabilities off a row of logits, or off what a GPU found in one.
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
// The same, to the bit, of a row that was made for `chosen`.
std::vector<TokenLogprob> topLogprobs(const IngotLogprobs& row, int32_t chosen);

}  // namespace ingot
