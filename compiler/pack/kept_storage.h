// Storage that keeps what a checkpoint has: GGUF's blocks, scaled 8-bit floats.
#pragma once

#include <functional>

#include "compiler/import/checkpoint.h"
#include "dialects/llm/llm.h"

namespace ingot {

// Gives matrices of such types the storage that keeps them, before passes put them together; others stay without. `note` hears of
// types that lose something: whose scales are rounded to 16 bits.
void keepStorage(mlir::ModuleOp module, const Checkpoint& checkpoint, const std::function<void(const std::string&)>& note);

}  // namespace ingot
