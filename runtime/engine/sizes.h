// An engine's sizes for a model on a device: its options, with defaults for those that are 0.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/exec/program.h"

namespace ingot {

// What options may ask for, at most.
constexpr int kMostSequences = 4096, kMostBatchedTokens = 65536, kMostThreads = 1024;

struct Sizes {
  int32_t sequences = 0, batchedTokens = 0;  // in a step, at most
  CachePages cache;
};
// The error names the option, its value and the expected range.
Result<Sizes> chooseSizes(const EngineOptions& options, const plan::Plan& plan, const Choice& choice);

}  // namespace ingot
