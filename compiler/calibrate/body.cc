#include "compiler/calibrate/body.h"

#include <algorithm>

#include "compiler/pack/param_rows.h"
#include "compiler/reference/checkpoint_params.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace ingot {

Result<ModelBody> ModelBody::of(mlir::ModuleOp module, const Checkpoint& checkpoint, std::vector<int>& ids) {
  ModelBody body(module, checkpoint);
  body.dropLogits();
  INGOT_TRY(body.keepEmbeddingsOf(ids));
  return body;
}

llm::ParamOp ModelBody::paramOf(mlir::Value weight) { return module_->lookupSymbol<llm::ParamOp>(weight.getDefiningOp<llm::GetOp>().getName()); }

// @forward returns what the output matrix read.
void ModelBody::dropLogits() {
  mlir::Block& block = module_->lookupSymbol<mlir::func::FuncOp>("forward").getBody().front();
  mlir::Operation* last = block.getTerminator();
  mlir::Operation* op = last->getOperand(0).getDefiningOp();
  while (!llvm::isa<llm::LinearOp>(op)) op = op->getOperand(0).getDefiningOp();  // a soft cap or a scale
  last->setOperand(0, llvm::cast<llm::LinearOp>(op).getX());
  for (mlir::Operation& dead : llvm::make_early_inc_range(llvm::reverse(block.getOperations())))
    if (mlir::isOpTriviallyDead(&dead)) dead.erase();
}

Status ModelBody::keepEmbeddingsOf(std::vector<int>& ids) {
  kept_ = ids;
  std::sort(kept_.begin(), kept_.end());
  kept_.erase(std::unique(kept_.begin(), kept_.end()), kept_.end());
  for (int& id : ids) id = static_cast<int>(std::lower_bound(kept_.begin(), kept_.end(), id) - kept_.begin());

  auto function = module_->lookupSymbol<mlir::func::FuncOp>("forward");
  for (auto embedding : function.getBody().getOps<llm::EmbeddingOp>()) {
    if (embedding.getIds() != function.getArgument(0)) continue;
    llm::ParamOp param = paramOf(embedding.getTable());
    auto type = llvm::cast<mlir::RankedTensorType>(param.getType());
    if (kept_.back() >= type.getDimSize(0))
      return Status::invalidInput("the tokenizer makes id {} of the calibration text, the embedding has {} rows", kept_.back(), type.getDimSize(0));
    auto fewer = mlir::RankedTensorType::get({static_cast<int64_t>(kept_.size()), type.getDimSize(1)}, type.getElementType());
    param.setType(fewer);
    embedding.getTable().setType(fewer);
    embedding_ = param.getSymName().str();
    return {};
  }
  return Status::internal("@forward embeds no ids");
}

Result<std::vector<float>> ModelBody::load(llm::ParamOp param) const {
  if (param.getSymName() != embedding_) return checkpointParams(*checkpoint_)(param);
  INGOT_ASSIGN(auto rows, openParam(param, *checkpoint_));
  int64_t columns = llm::columnsOf(param.getType());
  std::vector<float> values(kept_.size() * static_cast<size_t>(columns));
  for (size_t i = 0; i < kept_.size(); ++i) INGOT_TRY(rows->read(kept_[i], 1, values.data() + static_cast<int64_t>(i) * columns));
  return values;
}

}  // namespace ingot
