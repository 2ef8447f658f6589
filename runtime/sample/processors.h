// Changes to one row of logits before a token is drawn, to vLLM's effect: allowed ids, bias, penalties, bad words, min_tokens.
#pragma once

#include <span>

#include "kernels/abi/abi.h"
#include "runtime/sample/params.h"

namespace ingot {

// What a sequence's history means for its next token. Built once per sequence, updated per token; thread-compatible.
class TokenHistory {
 public:
  TokenHistory(int32_t vocab, std::span<const int32_t> prompt, bool tracks);
  void append(int32_t token);

  std::span<const int32_t> output() const { return output_; }
  std::span<const int32_t> seen() const { return seen_; }  // distinct ids of prompt and output
  int32_t outputCount(int32_t id) const { return counts_[static_cast<size_t>(id)]; }

 private:
  void see(int32_t token);
  bool tracks_;
  std::vector<int32_t> output_, seen_, counts_;
  std::vector<bool> isSeen_;
};

// The fixed part of a request's processors, as token ids.
struct LogitRules {
  std::vector<int32_t> allowed;                 // ascending, each once; empty: all
  std::vector<std::vector<int32_t>> badWords;   // the last id is masked where the others precede it
  std::vector<std::pair<int32_t, float>> bias;  // clamped to -100..100
  std::vector<int32_t> stopIds;                 // masked while fewer than minTokens came out
  int minTokens = 0;
};

// Whether what they change depends on the last token that came out.
bool lookBack(const LogitRules& rules, const SamplerSettings& settings);
// What rules and penalties change for the output's token `position`, but for `allowed`, appended to `edits`: bias; repetition over prompt and
// output (Keskar et al. 2019), frequency and presence over the output; masks. The history ends before that token, or before the one in
// front of it, whose part GPUs add (IngotSampling::looks_back).
void collectEdits(const LogitRules& rules, const SamplerSettings& settings, const TokenHistory& history, int position, std::vector<IngotEdit>& edits);
// All rules, as IngotSampling wants edits where `num_allowed` are: the allowed ids, then the edits of those, by their places among them.
void collectEditsOfAllowed(const LogitRules& rules, const SamplerSettings& settings, const TokenHistory& history, int position,
                           std::vector<IngotEdit>& edits);
void applyAllowed(const LogitRules& rules, std::span<float> logits);
void applyEdits(std::span<const IngotEdit> edits, std::span<float> logits);

}  // namespace ingot
