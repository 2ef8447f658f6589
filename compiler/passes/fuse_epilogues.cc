#include "compiler/passes/bodies.h"
#include "compiler/passes/passes.h"

namespace ingot {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "compiler/passes/passes.h.inc"

namespace {

// The element-wise op that alone uses `linear`'s result, if it can move in: its operands must be rows of as many
// columns, or one value per column.
mlir::Operation* onlyElementwiseUse(llm::LinearOp linear) {
  if (!linear.getY().hasOneUse()) return nullptr;
  mlir::Operation* user = *linear.getY().user_begin();
  return isElementwise(user) && user->getResult(0).getType() == linear.getY().getType() ? user : nullptr;
}

void absorb(llm::LinearOp linear, mlir::Operation* user) {
  llvm::SmallVector<mlir::Value> extras(linear.getExtras());
  appendToBody(user, linear.getY(), linear.numSums(), linear.getBody(), extras);
  mlir::OpBuilder b(user);  // at the user: every extra is computed by then
  auto fused = b.create<llm::LinearOp>(linear.getLoc(), linear.getY().getType(), linear.getX(), linear.getWeight(), extras);
  fused.getBody().takeBody(linear.getBody());
  user->getResult(0).replaceAllUsesWith(fused.getY());
  user->erase();
  linear.erase();
}

struct FuseEpilogues : impl::FuseEpiloguesBase<FuseEpilogues> {
  void runOnOperation() override {
    bool changed = true;
    while (changed) {
      changed = false;
      getOperation().walk([&](llm::LinearOp linear) {
        mlir::Operation* user = onlyElementwiseUse(linear);
        if (!user) return mlir::WalkResult::advance();
        absorb(linear, user);
        changed = true;
        return mlir::WalkResult::interrupt();
      });
    }
  }
};

}  // namespace
}  // namespace ingot
