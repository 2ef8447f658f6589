// The llm dialect in C++. What the ops mean is in llm.td; their constraints have numbers in README.md.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/llm/llm_dialect.h.inc"
#include "dialects/llm/llm_enums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/llm/llm_attrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/llm/llm_types.h.inc"
#define GET_OP_CLASSES
#include "dialects/llm/llm_ops.h.inc"

namespace ingot::llm {

// Columns of rows, quantised or not.
int64_t columnsOf(mlir::Type type);

// The most columns that may share a scale where `group`, a power of two, were asked for: so many, or half and half again, down to 32; 0 where
// `columns` are no multiple of any.
int64_t fittingGroup(int64_t columns, int64_t group);

// Of two storages (llm.param), the one that holds more; empty holds least.
llvm::StringRef widerStorage(llvm::StringRef a, llvm::StringRef b);

}  // namespace ingot::llm
