#include "compiler/passes/bodies.h"
#include "compiler/passes/passes.h"
#include "llvm/ADT/MapVector.h"

namespace ingot {
#define GEN_PASS_DEF_PACKPROJECTIONS
#include "compiler/passes/passes.h.inc"

namespace {

using mlir::Value;

// A plain linear whose weight nobody else reads, and the bias that is added to it, if any.
struct Projection {
  llm::LinearOp linear;
  llm::AddOp biasAdd;  // null without bias
  llm::GetOp weight, bias;
  Value result() { return biasAdd ? biasAdd.getResult() : linear.getY(); }
};

struct PackProjections : impl::PackProjectionsBase<PackProjections> {
  void runOnOperation() override {
    mlir::SymbolTable symbols(getOperation());
    symbols_ = &symbols;
    llvm::SmallVector<llm::MulOp> products;
    getOperation().walk([&](llm::MulOp op) { products.push_back(op); });
    for (llm::MulOp product : products) packGated(product);

    llvm::MapVector<Value, llvm::SmallVector<Projection>> byInput;
    getOperation().walk([&](llm::LinearOp op) {
      if (auto projection = projectionOf(op.getY()); projection && feedsAttention(projection->result())) byInput[op.getX()].push_back(*projection);
    });
    for (auto& [x, group] : byInput)
      if (group.size() > 1) packSideBySide(x, group);
  }

 private:
  llm::ParamOp paramOf(llm::GetOp get) { return symbols_->lookup<llm::ParamOp>(get.getName()); }

  // Sees through a bias: `value` is a linear's result, or a bias added to it.
  std::optional<Projection> projectionOf(Value value) {
    Projection found;
    auto linear = value.getDefiningOp<llm::LinearOp>();
    if (!linear || !linear.getBody().empty()) return std::nullopt;
    found.linear = linear;
    found.weight = linear.getWeight().getDefiningOp<llm::GetOp>();
    if (!found.weight || paramOf(found.weight).getSources().size() != 1 || isShared(found.weight)) return std::nullopt;
    if (linear.getY().hasOneUse())
      if (auto add = llvm::dyn_cast<llm::AddOp>(*linear.getY().user_begin()))
        if (auto bias = add.getRhs().getDefiningOp<llm::GetOp>()) {
          found.biasAdd = add;
          found.bias = bias;
        }
    return found;
  }

  // Another op reads the same parameter, as a tied head does.
  bool isShared(llm::GetOp get) {
    int uses = 0;
    getOperation().walk([&](llm::GetOp other) { uses += other.getName() == get.getName() ? llvm::range_size(other->getUsers()) : 0; });
    return uses > 1;
  }

  // The value becomes q, k or v, by way of head norm and rope: nothing else can read a part of packed rows.
  static bool feedsAttention(Value value) {
    if (!value.hasOneUse()) return false;
    mlir::Operation* user = *value.user_begin();
    if (llvm::isa<llm::NormOp, llm::RopeOp>(user)) return feedsAttention(user->getResult(0));
    return llvm::isa<llm::AttentionOp, llm::AppendKvOp>(user);
  }

  // A new parameter made of those of `gets`, declared beside the first.
  Value packParams(mlir::OpBuilder& b, llvm::ArrayRef<llm::GetOp> gets, llm::Arrangement arrangement) {
    llm::ParamOp first = paramOf(gets[0]);
    llvm::SmallVector<llvm::StringRef> sources;
    std::string name;
    llvm::StringRef storage;
    auto shape = llvm::to_vector(llvm::cast<mlir::RankedTensorType>(first.getType()).getShape());
    shape[0] = 0;
    for (llm::GetOp get : gets) {
      llm::ParamOp param = paramOf(get);
      for (auto source : param.getSources().getAsValueRange<mlir::StringAttr>()) sources.push_back(source);
      storage = llm::widerStorage(storage, param.getStorage());
      name += (name.empty() ? "" : "+") + param.getSymName().str();
      shape[0] += llvm::cast<mlir::RankedTensorType>(param.getType()).getDimSize(0);
    }
    auto type = mlir::RankedTensorType::get(shape, b.getF32Type());
    mlir::OpBuilder atFirst(first);
    auto packed = atFirst.create<llm::ParamOp>(first.getLoc(), name, type, b.getStrArrayAttr(sources), arrangement, storage, first.getTransposed(),
                                               mlir::DictionaryAttr());
    symbols_->insert(packed);
    return b.create<llm::GetOp>(first.getLoc(), type, name);
  }

  void eraseUnused(llvm::ArrayRef<llm::GetOp> gets) {
    for (llm::GetOp get : gets) {
      if (!get || !get->use_empty()) continue;
      llm::ParamOp param = paramOf(get);
      get.erase();
      bool used = false;
      getOperation().walk([&](llm::GetOp other) { used |= other.getName() == param.getSymName(); });
      if (!used) symbols_->erase(param);
    }
  }

  // mul(activation(gate), up) -> one linear with two sums.
  void packGated(llm::MulOp product) {
    auto activation = product.getLhs().getDefiningOp<llm::ActivationOp>();
    if (!activation || product.getType().isF32() || !activation.getY().hasOneUse()) return;
    auto of = [&](Value value) {
      if (auto add = value.getDefiningOp<llm::AddOp>()) value = add.getLhs();
      return projectionOf(value);
    };
    auto gate = of(activation.getX()), up = of(product.getRhs());
    if (!gate || !up || gate->result() != activation.getX() || up->result() != product.getRhs()) return;
    if (gate->linear.getX() != up->linear.getX() || gate->linear.getY().getType() != up->linear.getY().getType()) return;
    if (!gate->result().hasOneUse() || !up->result().hasOneUse() || !gate->bias != !up->bias) return;
    if (llm::columnsOf(product.getType()) % 16 != 0) return;

    mlir::OpBuilder b(product);
    Value weight = packParams(b, {gate->weight, up->weight}, llm::Arrangement::interleave);
    llvm::SmallVector<Value> extras;
    if (gate->bias) extras = {gate->bias.getValue(), up->bias.getValue()};
    auto fused = b.create<llm::LinearOp>(product.getLoc(), product.getType(), gate->linear.getX(), weight, extras);
    startBody(fused.getBody(), 2, &getContext());
    mlir::Block& body = fused.getBody().front();
    for (Value extra : extras) body.addArgument(b.getF32Type(), extra.getLoc());
    mlir::OpBuilder in(body.getTerminator());
    Value sums[] = {body.getArgument(0), body.getArgument(1)};
    for (size_t i = 0; i < extras.size(); ++i) sums[i] = in.create<llm::AddOp>(product.getLoc(), sums[i], body.getArgument(2 + i));
    Value active = in.create<llm::ActivationOp>(product.getLoc(), b.getF32Type(), activation.getKind(), sums[0]);
    Value result = in.create<llm::MulOp>(product.getLoc(), active, sums[1]);
    body.getTerminator()->setOperand(0, result);

    product.getResult().replaceAllUsesWith(fused.getY());
    product.erase();
    activation.erase();
    erase(*gate);
    erase(*up);
  }

  void erase(Projection& projection) {
    if (projection.biasAdd) projection.biasAdd.erase();
    projection.linear.erase();
    eraseUnused({projection.weight, projection.bias});
  }

  // Linears of the same rows, one after the other, then a split.
  void packSideBySide(Value x, llvm::SmallVector<Projection>& group) {
    bool biased = group[0].biasAdd != nullptr;
    llvm::SmallVector<llm::GetOp> weights, biases;
    llvm::SmallVector<mlir::Type> types;
    for (Projection& one : group) {
      if ((one.biasAdd != nullptr) != biased || paramOf(one.weight).getTransposed() != paramOf(group[0].weight).getTransposed()) return;
      weights.push_back(one.weight);
      if (biased) biases.push_back(one.bias);
      types.push_back(one.result().getType());
    }
    mlir::OpBuilder b(group[0].linear);
    Value y = b.create<llm::LinearOp>(x.getLoc(), x, packParams(b, weights, llm::Arrangement::concat));
    if (biased) y = b.create<llm::AddOp>(x.getLoc(), y, packParams(b, biases, llm::Arrangement::concat));
    auto split = b.create<llm::SplitOp>(x.getLoc(), types, y);
    for (auto [one, part] : llvm::zip(group, split.getParts())) {
      one.result().replaceAllUsesWith(part);
      erase(one);
    }
  }

  mlir::SymbolTable* symbols_ = nullptr;  // of the module, while the pass runs
};

}  // namespace
}  // namespace ingot
