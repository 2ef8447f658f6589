#include "compiler/reference/body.h"

#include "kernels/ref/activation.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ingot::reference {
namespace {

template <class Real>
Real activate(llm::ActivationKind kind, Real x) {
  switch (kind) {
    case llm::ActivationKind::silu: return ref::silu(x);
    case llm::ActivationKind::relu: return ref::relu(x);
    case llm::ActivationKind::gelu: return ref::gelu(x);
    case llm::ActivationKind::gelu_tanh: return ref::geluTanh(x);
  }
  return x;
}

}  // namespace

template <class Real>
Result<Elementwise<Real>> Elementwise<Real>::of(mlir::Operation* op) {
  Elementwise result;
  auto set = [&](Kind kind, double constant = 0) {
    result.kind_ = kind;
    result.constant_ = static_cast<Real>(constant);
    return true;
  };
  bool known = llvm::TypeSwitch<mlir::Operation*, bool>(op)
                   .Case([&](llm::AddOp) { return set(Kind::add); })
                   .Case([&](llm::MulOp) { return set(Kind::mul); })
                   .Case([&](llm::ScaleOp scale) { return set(Kind::scale, scale.getFactor().convertToDouble()); })
                   .Case([&](llm::SoftcapOp cap) { return set(Kind::softcap, cap.getCap().convertToDouble()); })
                   .Case([&](llm::ActivationOp activation) {
                     result.activation_ = activation.getKind();
                     return set(Kind::activation);
                   })
                   .Default(false);
  if (!known) return Status::internal("{}: is not element-wise", op->getName().getStringRef().str());
  return result;
}

template <class Real>
Real Elementwise<Real>::apply(Real lhs, Real rhs) const {
  switch (kind_) {
    case Kind::add: return lhs + rhs;
    case Kind::mul: return lhs * rhs;
    case Kind::scale: return lhs * constant_;
    case Kind::softcap: return ref::softcap(lhs, constant_);
    case Kind::activation: return activate(activation_, lhs);
  }
  return lhs;
}

template <class Real>
Result<Body<Real>> Body<Real>::of(mlir::Region& region) {
  Body body;
  if (region.empty()) return body;
  llvm::DenseMap<mlir::Value, size_t> slotOf;
  for (mlir::BlockArgument argument : region.front().getArguments()) slotOf[argument] = argument.getArgNumber();
  for (mlir::Operation& op : region.front().without_terminator()) {
    INGOT_ASSIGN(auto elementwise, Elementwise<Real>::of(&op));
    size_t lhs = slotOf.lookup(op.getOperand(0)), rhs = op.getNumOperands() > 1 ? slotOf.lookup(op.getOperand(1)) : lhs;
    body.instructions_.push_back({elementwise, lhs, rhs});
    size_t slot = slotOf.size();
    slotOf[op.getResult(0)] = slot;
  }
  body.result_ = slotOf.lookup(region.front().getTerminator()->getOperand(0));
  return body;
}

template <class Real>
Real Body<Real>::apply(std::vector<Real>& slots) const {
  for (const Instruction& instruction : instructions_) slots.push_back(instruction.op.apply(slots[instruction.lhs], slots[instruction.rhs]));
  return slots[result_];
}

template class Elementwise<float>;
template class Elementwise<double>;
template class Body<float>;
template class Body<double>;

}  // namespace ingot::reference
