// The tiny artifact served, and what the tests compare of its answers.
#pragma once

#include <gtest/gtest.h>

#include <cstring>

#include "runtime/engine/engine.h"
#include "tests/support/random.h"
#include "tests/support/tiny_artifact.h"

namespace ingot::test {

inline std::unique_ptr<Engine> openTiny(EngineOptions options = {}) {
  if (options.threads == 0) options.threads = 1;
  auto engine = Engine::open(tinyArtifact().string(), options);
  if (!engine.ok()) ADD_FAILURE() << engine.status().message();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

// Bytes of one page of the tiny model: f32 keys and values of 16 tokens in 2 layers.
constexpr uint64_t kTinyPageBytes = 2 * 2 * 16 * 16 * 4;

inline Prompt randomPrompt(Random& random, int64_t tokens) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < tokens; ++i) ids.push_back(static_cast<int32_t>(random.integer(3, 63)));
  return Prompt(std::move(ids));
}

// Ids and the bits of every log-probability.
inline std::string bitsOf(const RequestOutput& request) {
  std::string bits;
  auto add = [&](const LogprobMap& map) {
    for (const auto& [id, one] : map) {
      uint32_t word;
      std::memcpy(&word, &one.logprob, 4);
      bits += std::to_string(id) + ":" + std::to_string(word) + "#" + std::to_string(one.rank) + " ";
    }
  };
  if (request.prompt_logprobs)
    for (const auto& map : *request.prompt_logprobs)
      if (map) add(*map);
  for (const CompletionOutput& output : request.outputs) {
    bits += "| ";
    for (int32_t id : output.token_ids) bits += std::to_string(id) + " ";
    if (output.logprobs)
      for (const LogprobMap& map : *output.logprobs) add(map);
    bits += output.finish_reason;
  }
  return bits;
}

}  // namespace ingot::test
