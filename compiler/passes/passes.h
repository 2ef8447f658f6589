// Constructors and registration of the llm passes; what each does is in passes.td.
#pragma once

#include <memory>
#include <string>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace ingot {

#define GEN_PASS_DECL
#include "compiler/passes/passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/passes/passes.h.inc"

// All of them in their order, with the reasons for it in pass_list.cc. Storages as in llm.param: of the layers' matrices, and of
// embedding and output matrix.
void addLlmPasses(mlir::OpPassManager& passes, const std::string& linearStorage, const std::string& headStorage);

}  // namespace ingot
