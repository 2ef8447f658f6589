// DecoderSpec -> llm module: `llm.param`s named as in the checkpoint and one function @forward(ids, positions) -> logits.
#pragma once

#include "compiler/import/checkpoint.h"
#include "compiler/import/decoder_spec.h"
#include "dialects/llm/llm.h"

namespace ingot {

// The unfused graph of one step. Rows are tokens; logits have one row for each wanted token.
mlir::OwningOpRef<mlir::ModuleOp> buildGraph(const DecoderSpec& spec, mlir::MLIRContext& context);

// Gives every parameter the checkpoint's spelling of its sources and checks shapes; refuses missing and surplus tensors.
Status bindCheckpoint(mlir::ModuleOp module, const DecoderSpec& spec, const Checkpoint& checkpoint);

}  // namespace ingot
