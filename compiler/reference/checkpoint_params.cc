#include "compiler/reference/checkpoint_params.h"

#include <cstring>

#include "compiler/pack/pack.h"
#include "kernels/ref/linear.h"

namespace ingot {
namespace {

Result<std::vector<float>> loadPacked(const ParamRows& param, int64_t rows, int64_t columns, const StorageFormat& format) {
  std::vector<std::byte> bytes(format.bytes(rows, columns));
  INGOT_TRY(packMatrix(param, rows, columns, format, {}, 1, [&](uint64_t offset, std::span<const std::byte> piece) -> Status {
    std::memcpy(bytes.data() + offset, piece.data(), piece.size());
    return {};
  }));
  std::vector<float> values;
  values.reserve(static_cast<size_t>(rows * columns));
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < columns; ++k) values.push_back(ref::weightAt(bytes.data(), format.format, format.group, columns, n, k));
  return values;
}

Result<std::vector<float>> loadParam(llm::ParamOp param, const Checkpoint& checkpoint) {
  auto type = llvm::cast<mlir::RankedTensorType>(param.getType());
  if (param.getRopeAttr() || type.getRank() != 2) return packPlain(param, checkpoint);
  INGOT_ASSIGN(auto rows, openParam(param, checkpoint));
  if (!param.getStorage().empty()) {
    INGOT_ASSIGN(StorageFormat format, StorageFormat::parse(param.getStorage().str()));
    return loadPacked(*rows, type.getDimSize(0), type.getDimSize(1), format);
  }
  std::vector<float> values(static_cast<size_t>(type.getNumElements()));
  INGOT_TRY(rows->read(0, type.getDimSize(0), values.data()));
  return values;
}

}  // namespace

LoadParam checkpointParams(const Checkpoint& checkpoint) {
  return [&checkpoint](llm::ParamOp param) { return loadParam(param, checkpoint); };
}

}  // namespace ingot
