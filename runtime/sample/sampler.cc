#include "runtime/sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ingot {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();

// More likely first, then the lower id.
bool before(const std::pair<float, int32_t>& a, const std::pair<float, int32_t>& b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

}  // namespace

int32_t argmax(std::span<const float> logits) {
  // Blockwise, so that the compiler can vectorise the search for the maximum.
  constexpr size_t kBlock = 1024;
  float best = kMasked;
  size_t bestBlock = 0;
  for (size_t start = 0; start < logits.size(); start += kBlock) {
    float high = kMasked;
    size_t end = std::min(start + kBlock, logits.size());
    for (size_t i = start; i < end; ++i) high = logits[i] > high ? logits[i] : high;
    if (high > best) {
      best = high;
      bestBlock = start;
    }
  }
  for (size_t i = bestBlock; i < logits.size(); ++i)
    if (logits[i] == best) return static_cast<int32_t>(i);
  return 0;
}

bool hasCandidate(std::span<const float> logits) {
  return std::any_of(logits.begin(), logits.end(), [](float logit) { return logit > kMasked; });
}

int32_t draw(const SamplerSettings& settings, std::span<const float> logits, double u, std::vector<std::pair<float, int32_t>>& order) {
  if (settings.greedy()) return argmax(logits);
  float best = logits[static_cast<size_t>(argmax(logits))];
  if (!(best > kMasked)) return argmax(logits);
  // min_p is a threshold relative to the best; without top-k and top-p nothing needs an order.
  double inverse = 1.0 / settings.temperature;
  float lowest = settings.minP > 0 ? static_cast<float>(best + std::log(settings.minP) * settings.temperature) : kMasked;
  order.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] >= lowest && logits[i] > kMasked) order.emplace_back(logits[i], static_cast<int32_t>(i));

  size_t kept = order.size();
  if (settings.topK > 0 && static_cast<size_t>(settings.topK) < kept) {
    kept = static_cast<size_t>(settings.topK);
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), before);
    order.resize(kept);
  }
  if (settings.topP < 1 || settings.topK > 0) std::sort(order.begin(), order.end(), before);
  double total = 0;
  for (auto& [value, id] : order) total += (value = static_cast<float>(std::exp((value - best) * inverse)));
  if (settings.topP < 1) {
    double mass = 0, wanted = total * settings.topP;
    for (kept = 0; kept < order.size() && mass < wanted; ++kept) mass += order[kept].first;
    order.resize(std::max<size_t>(1, kept));
    total = mass;
  }
  double left = u * total;
  for (auto [weight, id] : order)
    if ((left -= weight) <= 0) return id;
  return order.back().second;
}

double logSumExp(std::span<const float> logits) {
  float best = logits[static_cast<size_t>(argmax(logits))];
  double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit) - best);
  return best + std::log(sum);
}

std::vector<TokenLogprob> topLogprobs(std::span<const float> logits, int32_t chosen, int count) {
  double normaliser = logSumExp(logits);
  auto logprobOf = [&](int32_t id) { return static_cast<float>(logits[static_cast<size_t>(id)] - normaliser); };
  std::vector<std::pair<float, int32_t>> order;
  order.reserve(logits.size());
  int chosenRank = 1;
  for (size_t i = 0; i < logits.size(); ++i) {
    order.emplace_back(logits[i], static_cast<int32_t>(i));
    if (logits[i] > logits[static_cast<size_t>(chosen)]) ++chosenRank;
  }
  size_t wanted = count < 0 ? order.size() : std::min(order.size(), static_cast<size_t>(count));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(), before);
  std::vector<TokenLogprob> result = {{chosen, logprobOf(chosen), chosenRank}};
  for (size_t i = 0; i < wanted; ++i)
    if (order[i].second != chosen) result.push_back({order[i].second, logprobOf(order[i].second), static_cast<int>(i) + 1});
  return result;
}

}  // namespace ingot
