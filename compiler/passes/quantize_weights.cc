#include "compiler/passes/passes.h"
#include "dialects/llm/llm.h"

namespace ingot {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "compiler/passes/passes.h.inc"

namespace {

// The number after the 'g' of i4g32; 0 for formats without groups.
int64_t groupOf(llvm::StringRef storage) {
  int64_t group = 0;
  auto at = storage.find('g');
  return at == llvm::StringRef::npos || storage.substr(at + 1).getAsInteger(10, group) ? 0 : group;
}

// Integer codes meet integer rows.
llm::RowCode codeOf(llvm::StringRef storage) { return storage.starts_with("f8") ? llm::RowCode::f8 : llm::RowCode::i8; }

struct QuantizeWeights : impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    mlir::SymbolTable symbols(getOperation());
    auto paramOf = [&](mlir::Value weight) {
      auto get = weight.getDefiningOp<llm::GetOp>();
      return get ? symbols.lookup<llm::ParamOp>(get.getName()) : llm::ParamOp();
    };
    // A matrix that embeds, or whose rows are logits, is at the model's ends; the rest is its layers.
    getOperation().walk([&](llm::EmbeddingOp op) { choose(paramOf(op.getTable()), headStorage()); });
    getOperation().walk([&](llm::LinearOp op) {
      llm::ParamOp param = paramOf(op.getWeight());
      choose(param, isHead(op) ? headStorage() : linear_.getValue());
      if (int64_t group = param ? groupOf(param.getStorage()) : 0) quantizeRows(op, group, codeOf(param.getStorage()));
    });
  }

 private:
  std::string headStorage() { return head_.empty() ? linear_.getValue() : head_.getValue(); }

  static bool isHead(llm::LinearOp op) { return op.getY().hasOneUse() && (*op.getY().user_begin())->hasTrait<mlir::OpTrait::IsTerminator>(); }

  void choose(llm::ParamOp param, llvm::StringRef storage) {
    if (!param || !param.getStorage().empty()) return;
    int64_t group = groupOf(storage), columns = llm::columnsOf(param.getType());
    if (!group) return param.setStorage(storage);
    if (int64_t fitting = llm::fittingGroup(columns, group))
      return param.setStorage((storage.take_until([](char c) { return c == 'g'; }) + "g" + llvm::Twine(fitting)).str());
    param.emitRemark("keeps bf16: ") << columns << " columns do not divide into groups of 32, the smallest";
    param.setStorage("bf16");
  }

  // One quantised copy of x serves all its readers of the same group and kind of codes.
  void quantizeRows(llm::LinearOp op, int64_t group, llm::RowCode code) {
    if (llvm::isa<llm::QuantizedRowsType>(op.getX().getType())) return;
    auto type = llm::QuantizedRowsType::get(&getContext(), llm::columnsOf(op.getX().getType()), group, code);
    for (mlir::Operation* user : op.getX().getUsers())
      if (auto quantize = llvm::dyn_cast<llm::QuantizeOp>(user); quantize && quantize.getType() == type && quantize->isBeforeInBlock(op)) {
        op.getXMutable().assign(quantize.getY());
        return;
      }
    mlir::OpBuilder b(op);
    op.getXMutable().assign(b.create<llm::QuantizeOp>(op.getLoc(), type, op.getX()));
  }
};

}  // namespace
}  // namespace ingot
