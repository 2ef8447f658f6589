#include "compiler/pipeline/storages.h"

#include "compiler/pack/pack.h"
#include "dialects/llm/llm.h"

namespace ingot {

Storages chooseStorages(const CompileOptions& options, DType checkpoint) {
  auto of = [&](std::string_view code, int64_t usual) { return fmt::format("{}g{}", code, options.group_size ? options.group_size : usual); };
  if (options.quantize == "int8") return {of("i8", 32), of("i8", 32)};
  if (options.quantize == "fp8") return {of("f8", 128), of("i8", 32)};
  if (options.quantize == "int4") return {of("i4", 32), of("i8", 32)};
  // f16 holds what bf16 does between 2^-14 and 65504, and beneath that to 2^-25; and it lets x have eleven bits in one product, where bf16
  // takes two products for as many.
  DType dtype = options.dtype == "float32"                            ? DType::f32
                : options.dtype == "bfloat16"                         ? DType::bf16
                : options.dtype == "auto" && checkpoint == DType::f32 ? DType::f32
                                                                      : DType::f16;
  std::string name(dtypeName(dtype));
  return {name, name, options.dtype == "auto"};
}

Status chooseMinima(mlir::ModuleOp module, const CheckpointSource& source, const Importance& importance, const Storages& storages) {
  constexpr double kMuchMore = 2;
  INGOT_ASSIGN(StorageFormat plain, StorageFormat::parse(storages.linear));
  for (auto param : module.getOps<llm::ParamOp>()) {
    auto type = llvm::cast<mlir::RankedTensorType>(param.getType());
    // Embedding and output matrix have a storage of their own; Conv1D weights are turned as a whole, too dear for a look.
    if (param.getRopeAttr() || type.getRank() != 2 || type.getDimSize(0) == source.spec.vocab || param.getTransposed()) continue;
    int64_t rows = type.getDimSize(0), columns = type.getDimSize(1), group = llm::fittingGroup(columns, plain.group);
    if (!group) continue;
    INGOT_ASSIGN(auto values, openParam(param, source.checkpoint));
    auto errorOf = [&](WeightFormat format) {
      return quantizationError(*values, rows, columns, {.format = format, .group = static_cast<int>(group)}, importanceOf(importance, param));
    };
    INGOT_ASSIGN(double symmetric, errorOf(WeightFormat::i4));
    INGOT_ASSIGN(double affine, errorOf(WeightFormat::i4m));
    if (symmetric > kMuchMore * affine) param.setStorage(fmt::format("i4mg{}", group));
  }
  return {};
}

}  // namespace ingot
