#include "compiler/passes/bodies.h"

#include "mlir/IR/IRMapping.h"

namespace ingot {

bool isElementwise(mlir::Operation* op) {
  return llvm::isa<llm::AddOp, llm::MulOp, llm::ScaleOp, llm::SoftcapOp, llm::ActivationOp>(op) && !op->getResult(0).getType().isF32();
}

void startBody(mlir::Region& body, int64_t numSums, mlir::MLIRContext* context) {
  if (!body.empty()) return;
  mlir::OpBuilder b(context);
  mlir::Block* block = b.createBlock(&body);
  for (int64_t i = 0; i < numSums; ++i) block->addArgument(b.getF32Type(), b.getUnknownLoc());
  b.create<llm::YieldOp>(b.getUnknownLoc(), mlir::ValueRange(block->getArgument(0)));
}

void appendToBody(mlir::Operation* op, mlir::Value rows, int64_t numSums, mlir::Region& body, llvm::SmallVectorImpl<mlir::Value>& extras) {
  startBody(body, numSums, op->getContext());
  mlir::Block& block = body.front();
  mlir::Operation* yield = block.getTerminator();
  mlir::OpBuilder b(yield);
  mlir::IRMapping scalars;
  scalars.map(rows, yield->getOperand(0));
  for (mlir::Value operand : op->getOperands()) {
    if (operand == rows) continue;
    extras.push_back(operand);
    scalars.map(operand, block.addArgument(b.getF32Type(), op->getLoc()));
  }
  mlir::Operation* scalar = b.clone(*op, scalars);
  scalar->getResult(0).setType(b.getF32Type());
  yield->setOperand(0, scalar->getResult(0));
}

}  // namespace ingot
