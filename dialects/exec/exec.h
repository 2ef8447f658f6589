// The exec dialect in C++. What the ops mean is in exec.td; their constraints have numbers in README.md.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

#include "dialects/exec/exec_dialect.h.inc"
#include "dialects/exec/exec_enums.h.inc"
#define GET_OP_CLASSES
#include "dialects/exec/exec_ops.h.inc"
