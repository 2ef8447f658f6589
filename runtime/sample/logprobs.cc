#include "runtime/sample/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/abi/sampling.h"

namespace ingot {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();

// `chosen` with its logit and the number of logits over it; the others in order.
std::vector<TokenLogprob> describe(float highest, uint64_t mass, Candidate chosen, int above, std::span<const Candidate> best) {
  double normaliser = highest + std::log(static_cast<double>(mass) * 0x1p-40);  // log(sum(exp(logits))), to about 1e-7
  auto describeOne = [&](Candidate one, int rank) { return TokenLogprob{one.id, static_cast<float>(one.logit - normaliser), rank}; };
  std::vector<TokenLogprob> result;
  result.reserve(best.size() + 1);
  result.push_back(describeOne(chosen, 1 + above));
  for (size_t i = 0; i < best.size(); ++i)
    if (best[i].id != chosen.id) result.push_back(describeOne(best[i], static_cast<int>(i) + 1));
  return result;
}

}  // namespace

std::vector<TokenLogprob> topLogprobs(std::span<const float> logits, int32_t chosen, int count, SamplerScratch& scratch) {
  Row row(logits, INGOT_LOG2E, scratch);
  uint64_t mass = row.massFrom(kMasked);
  float own = logits[static_cast<size_t>(chosen)];
  auto best = row.mostLikely(count < 0 ? logits.size() : static_cast<size_t>(count), kMasked);
  std::sort(best.begin(), best.end(), isBefore);
  return describe(row.best(), mass, {own, chosen}, row.countAbove(own), best);
}

std::vector<TokenLogprob> topLogprobs(const IngotLogprobs& row, int32_t chosen) {
  return describe(row.best, row.mass, {row.own, chosen}, row.above, std::span(row.listed).first(static_cast<size_t>(row.num_listed)));
}

}  // namespace ingot
