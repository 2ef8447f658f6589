#include "runtime/sample/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ingot {
namespace {

constexpr float kLog2e = 1.44269504088896341f, kMasked = -std::numeric_limits<float>::infinity();

// log(sum(exp(logits))), to about 1e-7.
double logSumExp(const Row& row) { return row.best() + std::log(static_cast<double>(row.massFrom(kMasked)) * 0x1p-40); }

}  // namespace

std::vector<TokenLogprob> topLogprobs(std::span<const float> logits, int32_t chosen, int count, SamplerScratch& scratch) {
  Row row(logits, kLog2e, scratch);
  double normaliser = logSumExp(row);
  auto logitOf = [&](int32_t id) { return logits[static_cast<size_t>(id)]; };
  auto describe = [&](int32_t id, int rank) { return TokenLogprob{id, static_cast<float>(logitOf(id) - normaliser), rank}; };
  auto best = row.mostLikely(count < 0 ? logits.size() : static_cast<size_t>(count), kMasked);
  std::sort(best.begin(), best.end(), isBefore);
  std::vector<TokenLogprob> result = {describe(chosen, 1 + row.countAbove(logitOf(chosen)))};
  for (size_t i = 0; i < best.size(); ++i)
    if (best[i].id != chosen) result.push_back(describe(best[i].id, static_cast<int>(i) + 1));
  return result;
}

}  // namespace ingot
