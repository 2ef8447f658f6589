#include "runtime/sample/processors.h"

#include <algorithm>
#include <limits>

#include "kernels/abi/sampling.h"

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

void applyAllowed(const LogitRules& rules, std::span<float> logits) {
  if (rules.allowed.empty()) return;
  std::vector<std::pair<int32_t, float>> kept;
  for (int32_t id : rules.allowed) kept.emplace_back(id, logits[static_cast<size_t>(id)]);
  std::fill(logits.begin(), logits.end(), kMasked);
  for (auto [id, logit] : kept) logits[static_cast<size_t>(id)] = logit;
}

static IngotEdit editOf(int32_t id, int pass, float repetition, float add) {
  return {.id = id, .pass = pass, .repetition = repetition, .add = add, .only_after = -1};
}

static void collectPenalties(const SamplerSettings& settings, const TokenHistory& history, bool lacksLast, std::vector<IngotEdit>& edits) {
  auto add = [&](int32_t id, int32_t count) {
    auto of = [&](int32_t n) { return n ? -(settings.frequencyPenalty * static_cast<float>(n) + settings.presencePenalty) : -0.0f; };
    edits.push_back(editOf(id, 1, settings.repetitionPenalty, of(count)));
    edits.back().add_after_itself = of(count + 1);
  };
  for (int32_t id : history.seen()) add(id, history.outputCount(id));
  if (lacksLast) add(-1, 1);
}

bool lookBack(const LogitRules& rules, const SamplerSettings& settings) {
  return settings.penalises() || std::any_of(rules.badWords.begin(), rules.badWords.end(), [](const auto& word) { return word.size() > 1; });
}

void collectEdits(const LogitRules& rules, const SamplerSettings& settings, const TokenHistory& history, int position,
                  std::vector<IngotEdit>& edits) {
  for (auto [id, bias] : rules.bias) edits.push_back(editOf(id, 0, 1, bias));
  auto output = history.output();
  bool lacksLast = static_cast<int>(output.size()) < position;
  if (settings.penalises()) collectPenalties(settings, history, lacksLast, edits);
  auto mask = [&](int32_t id, int32_t onlyBehind = -1) { edits.push_back(editOf(id, 2, 1, kMasked)), edits.back().only_after = onlyBehind; };
  for (const auto& word : rules.badWords) {
    size_t unknown = lacksLast && word.size() > 1, before = word.size() - 1 - unknown;  // tokens in front of the one that is masked
    auto first = output.end() - static_cast<std::ptrdiff_t>(std::min(before, output.size()));
    if (before <= output.size() && std::equal(first, output.end(), word.begin())) mask(word.back(), unknown ? word[before] : -1);
  }
  if (position < rules.minTokens)
    for (int32_t id : rules.stopIds) mask(id);
}

void collectEditsOfAllowed(const LogitRules& rules, const SamplerSettings& settings, const TokenHistory& history, int position,
                           std::vector<IngotEdit>& edits) {
  const auto& allowed = rules.allowed;
  for (int32_t id : allowed) edits.push_back(editOf(id, 0, 1, 0));
  size_t kept = edits.size();
  collectEdits(rules, settings, history, position, edits);
  if (allowed.empty()) return;
  for (size_t i = kept; i < edits.size(); ++i) {
    auto place = std::lower_bound(allowed.begin(), allowed.end(), edits[i].id);
    bool isUnknown = edits[i].id < 0;
    if (!isUnknown && (place == allowed.end() || *place != edits[i].id)) continue;
    edits[kept] = edits[i];
    if (!isUnknown) edits[kept].id = static_cast<ingot_i32>(place - allowed.begin());
    ++kept;
  }
  edits.resize(kept);
}

void applyEdits(std::span<const IngotEdit> edits, std::span<float> logits) {
  for (const IngotEdit& edit : edits) {
    float& logit = logits[static_cast<size_t>(edit.id)];
    logit = ingotEdited(edit, logit);
  }
}

}  // namespace ingot
