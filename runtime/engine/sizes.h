// What an engine's options come to for a model on a device: those that are 0 are chosen here.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/exec/program.h"

namespace ingot {

struct Sizes {
  int32_t sequences = 0, batchedTokens = 0;  // of a step, at most
  CachePages cache;
};
// The error names the option, its value and what was expected.
Result<Sizes> chooseSizes(const EngineOptions& options, const plan::Plan& plan, const Choice& choice);

}  // namespace ingot
