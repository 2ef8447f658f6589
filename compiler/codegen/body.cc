#include "compiler/codegen/body.h"

#include <fmt/format.h>

#include "dialects/llm/llm.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ingot {
namespace {

std::string activationName(llm::ActivationKind kind) {
  switch (kind) {
    case llm::ActivationKind::silu: return "silu";
    case llm::ActivationKind::relu: return "relu";
    case llm::ActivationKind::gelu: return "gelu";
    case llm::ActivationKind::gelu_tanh: return "geluTanh";
  }
  return {};
}

// The right-hand side of one op, given the C++ names of its operands.
std::string expressionOf(mlir::Operation& op, llvm::function_ref<std::string(mlir::Value)> name) {
  return llvm::TypeSwitch<mlir::Operation*, std::string>(&op)
      .Case([&](llm::AddOp add) { return name(add.getLhs()) + " + " + name(add.getRhs()); })
      .Case([&](llm::MulOp mul) { return name(mul.getLhs()) + " * " + name(mul.getRhs()); })
      .Case([&](llm::ScaleOp scale) { return fmt::format("{} * {:a}f", name(scale.getX()), scale.getFactor().convertToDouble()); })
      .Case([&](llm::SoftcapOp cap) { return fmt::format("softcap({}, {:a}f)", name(cap.getX()), cap.getCap().convertToDouble()); })
      .Case([&](llm::ActivationOp act) { return activationName(act.getKind()) + "(" + name(act.getX()) + ")"; })
      .Default([](mlir::Operation*) { return std::string(); });  // no kernel's body has another
}

}  // namespace

std::string generateEpilogue(mlir::Region& body, int64_t sums, llvm::StringRef extraKinds) {
  std::string code = "struct Epilogue {\n  template <class Value, class At>\n  INGOT_INLINE Value apply(const Value* sums, const At& at) {\n";
  if (body.empty()) return code + "    return sums[0];\n  }\n};\n";
  llvm::DenseMap<mlir::Value, std::string> names;
  for (auto [i, argument] : llvm::enumerate(body.front().getArguments())) {
    int64_t extra = static_cast<int64_t>(i) - sums;
    if (extra < 0) names[argument] = fmt::format("sums[{}]", i);
    else names[argument] = fmt::format("at.{}Of({})", extraKinds[static_cast<size_t>(extra)] == 'c' ? "column" : "element", extra);
  }
  int next = 0;
  for (mlir::Operation& op : body.front().without_terminator()) {
    std::string name = "v" + std::to_string(next++);
    code += fmt::format("    Value {} = {};\n", name, expressionOf(op, [&](mlir::Value value) { return names[value]; }));
    names[op.getResult(0)] = name;
  }
  return code + fmt::format("    return {};\n  }}\n}};\n", names[body.front().getTerminator()->getOperand(0)]);
}

}  // namespace ingot
