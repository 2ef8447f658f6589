// Bodies of fused ops: f32 values in, one out. Moving an element-wise op on rows into a body makes it an op on f32.
#pragma once

#include "dialects/llm/llm.h"

namespace ingot {

// Add, mul, scale, softcap or activation on rows.
bool isElementwise(mlir::Operation* op);

// Appends `op`, of which `rows` (an operand) is the body's value so far, to `body`; an empty body starts with
// `numSums` arguments and yields the first. The other operand, if any, becomes a new argument and is added to `extras`.
void appendToBody(mlir::Operation* op, mlir::Value rows, int64_t numSums, mlir::Region& body, llvm::SmallVectorImpl<mlir::Value>& extras);

// Creates the body's block where there is none yet. The region may stand outside any op.
void startBody(mlir::Region& body, int64_t numSums, mlir::MLIRContext* context);

}  // namespace ingot
