// llm -> exec: every fused op becomes one step over buffers, and equal kernels are shared. Afterwards no llm op remains outside kernel
// bodies. Operand order of each function: kernels/<function>/<function>.cpu.h.
#pragma once

#include "dialects/exec/exec.h"
#include "dialects/llm/llm.h"
#include "runtime/base/status.h"

namespace ingot {

struct LowerOptions {
  std::string cacheType = "f32";  // element type of KV pages: f32, f16, bf16, f8, i8
};

// Adds `exec.program @name` for function @forward of `module`, which is not changed.
Result<exec::ProgramOp> lowerToExec(mlir::ModuleOp module, llvm::StringRef name, const LowerOptions& options);

// Adds fused steps for batches of one token, and attention of tokens that are apart (alone_steps.cc). Their kernels are GPU-only and also do the
// preceding step, whose constants they have as attribute `before`.
void addAloneSteps(exec::ProgramOp program);

// Assigns slots; buffers whose lifetimes do not overlap share one. Returns the number of slots.
int64_t planBuffers(exec::ProgramOp program);

// Bytes of one row of a value: f32 rows padded to 16 columns, or a quantised row (kernels/prim/quantized_row.h).
int64_t rowBytes(mlir::Type type);

// Bytes of one layer's keys in a page, and likewise of its values (kernels/kvcache/layout.h).
int64_t layerPageBytes(exec::CacheOp cache);

}  // namespace ingot
