// Measures what a model multiplies: runs it on a text of our own, and takes the mean square of every linear's input columns.
#pragma once

#include <atomic>
#include <functional>

#include "compiler/import/checkpoint.h"
#include "compiler/pack/importance.h"
#include "runtime/base/status.h"

namespace ingot {

struct CalibrateOptions {
  int64_t maxPositions = 0;  // of the model
  int jobs = 1;
  std::function<void(uint64_t done, uint64_t all)> progress;  // in tokens
  const std::atomic<bool>* cancelled = nullptr;
};

// `module` as it is after import, bound to `checkpoint`, whose tokenizer `tables` are. The output matrix is not measured: its codes have
// 8 bits. Peak memory: the largest matrix of the layers in f32, and the rows of one window of text.
Result<Importance> calibrate(mlir::ModuleOp module, const Checkpoint& checkpoint, std::span<const std::byte> tables, const CalibrateOptions& options);

}  // namespace ingot
