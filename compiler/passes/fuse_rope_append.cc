#include "compiler/passes/passes.h"
#include "dialects/llm/llm.h"

namespace ingot {
#define GEN_PASS_DEF_FUSEROPEAPPEND
#include "compiler/passes/passes.h.inc"

namespace {

using mlir::Value;

// q or k on its way from the split: an optional norm of every head, then an optional rope.
struct Path {
  llm::NormOp norm;
  llm::RopeOp rope;
  Value start;
};

Path pathOf(Value value) {
  Path path;
  if ((path.rope = value.getDefiningOp<llm::RopeOp>())) value = path.rope.getX();
  if ((path.norm = value.getDefiningOp<llm::NormOp>())) value = path.norm.getX();
  path.start = value;
  return path;
}

bool onlyRms(const Path& path) { return !path.norm || llm::NormOp(path.norm).getKind() == llm::NormKind::rms; }

struct FuseRopeAppend : impl::FuseRopeAppendBase<FuseRopeAppend> {
  void runOnOperation() override {
    llvm::SmallVector<llm::AttentionOp> attentions;
    getOperation().walk([&](llm::AttentionOp op) { attentions.push_back(op); });
    for (llm::AttentionOp op : attentions) fuse(op);
  }

  void fuse(llm::AttentionOp attention) {
    auto append = attention.getCached().getDefiningOp<llm::AppendKvOp>();
    if (!append || !append.getCached().hasOneUse()) return;
    Path q = pathOf(attention.getQ()), k = pathOf(append.getK());
    auto split = q.start.getDefiningOp<llm::SplitOp>();
    if (!split || split.getNumResults() != 3 || q.start != split.getResult(0) || k.start != split.getResult(1) || append.getV() != split.getResult(2))
      return;
    if (!q.norm != !k.norm || !q.rope != !k.rope || !onlyRms(q) || !onlyRms(k)) return;
    if (q.norm && q.norm.getEps() != k.norm.getEps()) return;
    if (q.rope && (q.rope.getTable() != k.rope.getTable() && !sameParam(q.rope.getTable(), k.rope.getTable()))) return;
    Value positions = q.rope ? q.rope.getPositions() : positionsArgument(attention);

    mlir::OpBuilder b(attention);
    auto fused = b.create<llm::RopeAppendOp>(attention.getLoc(), mlir::TypeRange{attention.getQ().getType(), append.getCached().getType()},
                                             split.getX(), positions, q.rope ? q.rope.getTable() : Value(), q.norm ? q.norm.getWeight() : Value(),
                                             k.norm ? k.norm.getWeight() : Value(), b.getI64IntegerAttr(attention.getLayer()),
                                             b.getI64IntegerAttr(attention.getHeads()), b.getI64IntegerAttr(attention.getKvHeads()),
                                             q.norm ? q.norm.getEpsAttr() : b.getF64FloatAttr(0));
    attention.getQMutable().assign(fused.getQ());
    attention.getCachedMutable().assign(fused.getCached());
    append.erase();
    for (mlir::Operation* op : {q.rope.getOperation(), k.rope.getOperation(), q.norm.getOperation(), k.norm.getOperation(), split.getOperation()})
      if (op && op->use_empty()) op->erase();
  }

  static bool sameParam(Value a, Value b) {
    auto first = a.getDefiningOp<llm::GetOp>(), second = b.getDefiningOp<llm::GetOp>();
    return first && second && first.getName() == second.getName();
  }

  // The second argument of @forward.
  static Value positionsArgument(mlir::Operation* op) { return op->getBlock()->getArgument(1); }
};

}  // namespace
}  // namespace ingot
