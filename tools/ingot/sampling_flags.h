// SamplingParams as flags: the field names with dashes. What is not typed keeps the model's own default.
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/base/request.h"
#include "runtime/base/status.h"

namespace ingot::cli {

class SamplingFlags {
 public:
  void addTo(CLI::App& app);
  // `defaults` with what was typed on top.
  Result<SamplingParams> apply(SamplingParams defaults) const;

 private:
  std::optional<float> temperature_, topP_, minP_, presence_, frequency_, repetition_;
  std::optional<int> topK_, n_, maxTokens_, minTokens_, logprobs_, promptLogprobs_;
  std::optional<int64_t> seed_;
  std::vector<std::string> stop_, badWords_, logitBias_;
  std::vector<int32_t> stopTokenIds_, allowedTokenIds_;
  std::optional<bool> ignoreEos_, skipSpecialTokens_, includeStop_, spaces_;
};

}  // namespace ingot::cli
