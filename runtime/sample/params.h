// Validation of SamplingParams, field by field as vLLM does, and what is left of them for the sampler.
#pragma once

#include "runtime/base/request.h"
#include "runtime/base/status.h"

namespace ingot {

// The checkpoint's generation_config.json as the artifact carries it; empty where it says nothing.
struct GenerationDefaults {
  std::vector<int32_t> eos_token_ids;
  std::optional<float> temperature, top_p, min_p, repetition_penalty;
  std::optional<int> top_k;
  std::optional<int> max_new_tokens;
};

// Every field checked: the error names field, value and range. `vocab` is the number of token ids, `maxLogprobs` the most
// log-probabilities a token may ask for.
Status validate(const SamplingParams& params, int32_t vocab, int maxLogprobs = 20);

// SamplingParams with defaults filled in: plain numbers for the sampler.
struct SamplerSettings {
  float temperature = 1, topP = 1, minP = 0, repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0;
  int topK = 0;  // 0: off
  bool greedy() const { return temperature == 0; }
  bool penalises() const { return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0; }
};
SamplerSettings resolve(const SamplingParams& params, const GenerationDefaults& defaults);

}  // namespace ingot
