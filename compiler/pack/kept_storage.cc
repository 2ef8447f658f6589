#include "compiler/pack/kept_storage.h"

#include <set>

namespace ingot {
namespace {

// Empty where nothing keeps a type's own precision; not exact where scales are rounded to f16 or values to 8 bits.
struct Kept {
  std::string_view name;
  bool exact = true;
};

// Groups as large as columns and scales allow.
Kept keptFloats(const TensorInfo& tensor) {
  if (!tensor.scales) return {};
  int64_t columns = tensor.columns(), shared = tensor.scales->columns;
  for (auto [group, name] : {std::pair<int64_t, std::string_view>{128, "f8g128"}, {64, "f8g64"}, {32, "f8g32"}})
    if (columns % group == 0 && (shared % group == 0 || shared >= columns)) return {name};
  return {};
}

Kept keptStorage(const TensorInfo& tensor) {
  switch (tensor.type) {
    case ElementType::q4_0: return {"i4g32"};
    case ElementType::q4_1: return {"i4mg32"};
    case ElementType::q4_k: return {"i4mg32", false};
    case ElementType::q8_0:
    case ElementType::q5_0: return {"i8g32"};
    case ElementType::q5_1:
    case ElementType::q5_k: return {"i8g32", false};
    case ElementType::q6_k: return {"i8g16", false};
    case ElementType::f8: return keptFloats(tensor);
    case ElementType::f32:
    case ElementType::f16:
    case ElementType::bf16:
    case ElementType::f64: return {};
  }
  return {};
}

}  // namespace

void keepStorage(mlir::ModuleOp module, const Checkpoint& checkpoint, const std::function<void(const std::string&)>& note) {
  std::set<std::string> rounded;
  for (auto param : module.getOps<llm::ParamOp>()) {
    if (param.getSources().size() != 1 || llvm::cast<mlir::RankedTensorType>(param.getType()).getRank() != 2) continue;
    const TensorInfo& tensor = *checkpoint.find(llvm::cast<mlir::StringAttr>(param.getSources()[0]).str());
    if (param.getTransposed() && tensor.type == ElementType::f8) continue;
    Kept kept = keptStorage(tensor);
    param.setStorage(llvm::StringRef(kept.name.data(), kept.name.size()));
    if (!kept.exact && rounded.insert(std::string(infoOf(tensor.type).name)).second)
      note(fmt::format("{} blocks are kept as {}, with scales rounded to 16 bits", infoOf(tensor.type).name, kept.name));
  }
}

}  // namespace ingot
