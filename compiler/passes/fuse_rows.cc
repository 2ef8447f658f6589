#include "compiler/passes/bodies.h"
#include "compiler/passes/passes.h"

namespace ingot {
#define GEN_PASS_DEF_FUSEROWS
#include "compiler/passes/passes.h.inc"

namespace {

using mlir::Value;

llm::RowsOp makeRows(mlir::Operation* at, mlir::Type type, Value x, Value weight, Value bias, mlir::ValueRange extras, llm::NormKind kind,
                     llvm::APFloat eps, bool select) {
  mlir::OpBuilder b(at);
  return b.create<llm::RowsOp>(at->getLoc(), type, x, weight, bias, extras, kind, eps, select);
}

void replace(mlir::Operation* op, llm::RowsOp rows) {
  op->getResult(0).replaceAllUsesWith(rows.getY());
  op->erase();
}

// A row op whose result only `user` reads, as f32.
llm::RowsOp soleProducer(Value x) {
  auto rows = x.getDefiningOp<llm::RowsOp>();
  return rows && x.hasOneUse() && !llvm::isa<llm::QuantizedRowsType>(x.getType()) ? rows : llm::RowsOp();
}

struct FuseRows : impl::FuseRowsBase<FuseRows> {
  void runOnOperation() override {
    llvm::SmallVector<mlir::Operation*> ops;
    getOperation().walk([&](mlir::Operation* op) {
      if (isElementwise(op) || llvm::isa<llm::NormOp, llm::SelectRowsOp, llm::QuantizeOp>(op)) ops.push_back(op);
    });
    for (mlir::Operation* op : ops) {
      if (auto norm = llvm::dyn_cast<llm::NormOp>(op)) fuseNorm(norm);
      else if (auto select = llvm::dyn_cast<llm::SelectRowsOp>(op)) fuseSelect(select);
      else if (auto quantize = llvm::dyn_cast<llm::QuantizeOp>(op)) fuseQuantize(quantize);
      else fuseElementwise(op);
    }
  }

  // A norm of whole rows; a selection right before it moves in.
  void fuseNorm(llm::NormOp norm) {
    if (norm.getHeads() != 1) return;
    llm::RowsOp before = soleProducer(norm.getX());
    bool select = before && before.getSelect() && before.getKind() == llm::NormKind::none && before.getBody().empty();
    auto rows = makeRows(norm, norm.getType(), select ? before.getX() : norm.getX(), norm.getWeight(), norm.getBias(), {}, norm.getKind(),
                         norm.getEps(), select);
    replace(norm, rows);
    if (select) before.erase();
  }

  void fuseSelect(llm::SelectRowsOp select) {
    replace(select, makeRows(select, select.getType(), select.getX(), {}, {}, {}, llm::NormKind::none, llvm::APFloat(0.0), true));
  }

  // Whether the op that computes the rows can round them itself: attention to int8 groups within a head; linear to groups whose sums
  // fit a tile for many rows, of 128 channels.
  static bool canQuantize(mlir::Operation* producer, llm::QuantizedRowsType rows) {
    if (auto attention = llvm::dyn_cast_or_null<llm::AttentionOp>(producer))
      return rows.getCode() == llm::RowCode::i8 && rows.getColumns() / static_cast<int64_t>(attention.getHeads()) % rows.getGroup() == 0;
    auto linear = llvm::dyn_cast_or_null<llm::LinearOp>(producer);
    return linear && rows.getGroup() * linear.numSums() <= 128;
  }

  // Rows that nobody else reads are rounded where they are computed.
  static bool moveIntoProducer(llm::QuantizeOp quantize) {
    Value x = quantize.getX();
    if (!x.hasOneUse() || !canQuantize(x.getDefiningOp(), quantize.getType())) return false;
    x.setType(quantize.getType());
    quantize.getY().replaceAllUsesWith(x);
    quantize.erase();
    return true;
  }

  void fuseQuantize(llm::QuantizeOp quantize) {
    if (moveIntoProducer(quantize)) return;
    llm::RowsOp before = soleProducer(quantize.getX());
    if (!before) {
      replace(quantize, makeRows(quantize, quantize.getType(), quantize.getX(), {}, {}, {}, llm::NormKind::none, llvm::APFloat(0.0), false));
      return;
    }
    auto rows = makeRows(quantize, quantize.getType(), before.getX(), before.getWeight(), before.getBias(), before.getExtras(), before.getKind(),
                         before.getEps(), before.getSelect());
    rows.getBody().takeBody(before.getBody());
    replace(quantize, rows);
    before.erase();
  }

  // Joins the row op that alone feeds it, or becomes one. Extras of a selecting op would be of other rows: it stays alone.
  void fuseElementwise(mlir::Operation* op) {
    Value x = op->getOperand(0);
    llm::RowsOp before = soleProducer(x);
    if (before && before.getSelect()) before = {};
    llvm::SmallVector<Value> extras;
    if (before) extras.assign(before.getExtras().begin(), before.getExtras().end());
    mlir::Region body;
    if (before) body.takeBody(before.getBody());
    appendToBody(op, x, 1, body, extras);
    auto rows = before ? makeRows(op, op->getResult(0).getType(), before.getX(), before.getWeight(), before.getBias(), extras, before.getKind(),
                                  before.getEps(), false)
                       : makeRows(op, op->getResult(0).getType(), x, {}, {}, extras, llm::NormKind::none, llvm::APFloat(0.0), false);
    rows.getBody().takeBody(body);
    replace(op, rows);
    if (before) before.erase();
  }
};

}  // namespace
}  // namespace ingot
