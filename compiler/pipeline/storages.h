// How matrices are stored, by the flags and by what their weights are.
#pragma once

#include <string>

#include "compiler/import/source.h"
#include "compiler/pack/importance.h"
#include "compiler/pipeline/options.h"
#include "mlir/IR/BuiltinOps.h"

namespace ingot {

// Of the layers' matrices, and of the model's ends (embedding and output), as llm.param names it.
struct Storages {
  std::string linear, head;
  bool keepBlocks = false;  // GGUF blocks and 8-bit floats stay what they are
};

// For valid options; `checkpoint` is the element type that most of its weights have.
Storages chooseStorages(const CompileOptions& options, DType checkpoint);

// int4 with a minimum a group costs half a bit a weight: layers' matrices take it where symmetric codes lose much more, as on weights that came
// from such a format. Reads every one of them once.
Status chooseMinima(mlir::ModuleOp module, const CheckpointSource& source, const Importance& importance, const Storages& storages);

}  // namespace ingot
