// Runs passes of llm and exec on MLIR text, for tests and for looking: mlir-opt with our dialects.
#include "compiler/lower/lower.h"
#include "compiler/passes/passes.h"
#include "dialects/exec/exec.h"
#include "dialects/llm/llm.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

namespace {

// Lowering as a pass: adds exec.program @cpu.
struct LowerToExec : mlir::PassWrapper<LowerToExec, mlir::OperationPass<mlir::ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerToExec)

  LowerToExec() = default;
  LowerToExec(const LowerToExec& other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "lower-to-exec"; }
  llvm::StringRef getDescription() const override { return "fused llm ops become steps over planned buffers"; }
  void getDependentDialects(mlir::DialectRegistry& registry) const override { registry.insert<ingot::exec::ExecDialect>(); }

  void runOnOperation() override {
    auto program = ingot::lowerToExec(getOperation(), "cpu", {.cacheType = cache});
    if (program.ok()) return;
    getOperation().emitError(program.status().message());
    signalPassFailure();
  }

  Option<std::string> cache{*this, "cache", llvm::cl::desc("element type of KV pages"), llvm::cl::init("f32")};
};

}  // namespace

int main(int argc, char** argv) {
  mlir::DialectRegistry registry;
  registry.insert<ingot::llm::LlmDialect, ingot::exec::ExecDialect, mlir::func::FuncDialect>();
  mlir::registerTransformsPasses();
  ingot::registerIngotPasses();
  mlir::PassRegistration<LowerToExec>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Ingot's passes\n", registry));
}
