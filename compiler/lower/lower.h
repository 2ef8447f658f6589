// llm -> exec: every fused op becomes one step over buffers; equal kernels become one. Afterwards no llm op remains
// outside kernel bodies. Operand order of each function: kernels/<function>/<function>.cpu.h.
#pragma once

#include "dialects/exec/exec.h"
#include "dialects/llm/llm.h"
#include "runtime/base/status.h"

namespace ingot {

struct LowerOptions {
  std::string cacheType = "f32";  // element type of KV pages: f32, f16, bf16, f8, i8
};

// Adds `exec.program @name` for function @forward of `module`. The llm function stays as it is.
Result<exec::ProgramOp> lowerToExec(mlir::ModuleOp module, llvm::StringRef name, const LowerOptions& options);

// Adds steps for a batch of one token (alone_steps.cc): kernels of GPUs alone, with the constants of the step before as `before`.
void addAloneSteps(exec::ProgramOp program);

// Gives buffers whose lives do not overlap the same slot. Returns the number of slots.
int64_t planBuffers(exec::ProgramOp program);

// Bytes of one row of a value: f32 rows padded to 16 columns, or a quantised row (kernels/prim/quantized_row.h).
int64_t rowBytes(mlir::Type type);

// Bytes of one layer's keys in a page; its values take as many (kernels/kvcache/layout.h).
int64_t layerPageBytes(exec::CacheOp cache);

}  // namespace ingot
