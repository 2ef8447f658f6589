#include "runtime/sample/processors.h"

#include <algorithm>
#include <limits>

namespace ingot {
namespace {
constexpr float kMasked = -std::numeric_limits<float>::infinity();
}

TokenHistory::TokenHistory(int32_t vocab, std::span<const int32_t> prompt, bool tracks) : tracks_(tracks) {
  if (!tracks_) return;
  counts_.assign(static_cast<size_t>(vocab), 0);
  isSeen_.assign(static_cast<size_t>(vocab), false);
  for (int32_t token : prompt) see(token);
}

void TokenHistory::see(int32_t token) {
  if (isSeen_[static_cast<size_t>(token)]) return;
  isSeen_[static_cast<size_t>(token)] = true;
  seen_.push_back(token);
}

void TokenHistory::append(int32_t token) {
  output_.push_back(token);
  if (!tracks_) return;
  ++counts_[static_cast<size_t>(token)];
  see(token);
}

void applyRules(const LogitRules& rules, const TokenHistory& history, std::span<float> logits) {
  if (!rules.allowed.empty()) {
    std::vector<std::pair<int32_t, float>> kept;
    for (int32_t id : rules.allowed) kept.emplace_back(id, logits[static_cast<size_t>(id)]);
    std::fill(logits.begin(), logits.end(), kMasked);
    for (auto [id, logit] : kept) logits[static_cast<size_t>(id)] = logit;
  }
  auto output = history.output();
  for (const auto& word : rules.badWords) {
    size_t before = word.size() - 1;
    if (before <= output.size() && std::equal(word.begin(), word.end() - 1, output.end() - static_cast<std::ptrdiff_t>(before)))
      logits[static_cast<size_t>(word.back())] = kMasked;
  }
  if (static_cast<int>(output.size()) < rules.minTokens)
    for (int32_t id : rules.stopIds) logits[static_cast<size_t>(id)] = kMasked;
  for (auto [id, bias] : rules.bias) logits[static_cast<size_t>(id)] += bias;
}

void applyPenalties(const SamplerSettings& settings, const TokenHistory& history, std::span<float> logits) {
  for (int32_t id : history.seen()) {
    float& logit = logits[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / settings.repetitionPenalty : logit * settings.repetitionPenalty;
    if (int32_t count = history.outputCount(id)) {
      logit -= settings.frequencyPenalty * static_cast<float>(count);
      logit -= settings.presencePenalty;
    }
  }
}

}  // namespace ingot
