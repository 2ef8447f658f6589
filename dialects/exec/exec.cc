// Verifiers of the exec dialect. `// step_c1` is constraint 1 of step in README.md.
#include "dialects/exec/exec.h"

#include "mlir/IR/DialectImplementation.h"

#include "dialects/exec/exec_dialect.cc.inc"
#include "dialects/exec/exec_enums.cc.inc"
#define GET_OP_CLASSES
#include "dialects/exec/exec_ops.cc.inc"

namespace ingot::exec {

using mlir::LogicalResult;
using mlir::success;

void ExecDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/exec/exec_ops.cc.inc"
      >();
}

LogicalResult WeightOp::verify() {
  for (int64_t size : getShape())
    if (size <= 0) return emitOpError("has an empty dimension");  // weight_c1
  return success();
}

LogicalResult BufferOp::verify() {
  if (static_cast<int64_t>(getRowBytes()) <= 0) return emitOpError("has no bytes");  // buffer_c1
  return success();
}

LogicalResult CacheOp::verify() {
  constexpr llvm::StringRef kTypes[] = {"f32", "f16", "bf16", "f8", "i8"};
  if (!llvm::is_contained(kTypes, getDtype()))  // cache_c1
    return emitOpError("element type ") << getDtype() << " is not f32, f16, bf16, f8 or i8";
  return success();
}

LogicalResult StepOp::verify() {
  if (getResults() > getOperands_().size()) return emitOpError("writes more operands than it has");  // step_c1
  return success();
}

LogicalResult StepOp::verifySymbolUses(mlir::SymbolTableCollection& symbols) {
  if (!symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr()))  // step_c2
    return emitOpError("no kernel ") << getKernelAttr();
  for (mlir::Attribute operand : getOperands_()) {
    auto name = llvm::dyn_cast<mlir::FlatSymbolRefAttr>(operand);
    mlir::Operation* found = name ? symbols.lookupNearestSymbolFrom(*this, name) : nullptr;
    if (!llvm::isa_and_nonnull<BufferOp, WeightOp, CacheOp>(found))  // step_c3
      return emitOpError("no buffer, weight or cache ") << operand;
  }
  return success();
}

}  // namespace ingot::exec
