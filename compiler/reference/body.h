// Element-wise ops of the llm dialect as functions of one element: alone on rows, or as the body of a fused op.
#pragma once

#include <vector>

#include "dialects/llm/llm.h"
#include "runtime/base/status.h"

namespace ingot::reference {

// One element-wise op. `rhs` is unused by ops of one operand.
template <class Real>
class Elementwise {
 public:
  // Fails on an op that is not element-wise.
  static Result<Elementwise> of(mlir::Operation* op);
  Real apply(Real lhs, Real rhs) const;

 private:
  enum class Kind : uint8_t { add, mul, scale, softcap, activation };
  Kind kind_ = Kind::add;
  Real constant_ = 0;
  llm::ActivationKind activation_ = llm::ActivationKind::silu;
};

// A region of f32 scalars: arguments in, one value out. Immutable.
template <class Real>
class Body {
 public:
  // An empty region gives its first argument.
  static Result<Body> of(mlir::Region& region);
  // `slots` begins with the arguments and grows by the body's values.
  Real apply(std::vector<Real>& slots) const;

 private:
  struct Instruction {
    Elementwise<Real> op;
    size_t lhs, rhs;
  };
  std::vector<Instruction> instructions_;
  size_t result_ = 0;
};

extern template class Elementwise<float>;
extern template class Elementwise<double>;
extern template class Body<float>;
extern template class Body<double>;

}  // namespace ingot::reference
