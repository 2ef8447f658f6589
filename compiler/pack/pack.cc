#include "compiler/pack/pack.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compiler/import/decoder_spec.h"
#include "compiler/pack/quantize.h"
#include "compiler/support/parallel.h"
#include "runtime/base/dtype.h"

namespace ingot {
namespace {

void put16(std::byte* at, uint16_t value) { std::memcpy(at, &value, 2); }

// One block of 16 channels of f32, f16 or bf16; `rows` is [16, columns].
void packFloats(WeightFormat format, const float* rows, int64_t columns, std::byte* out) {
  for (int64_t k = 0; k < columns; ++k)
    for (int64_t lane = 0; lane < kBlockChannels; ++lane) {
      float value = rows[lane * columns + k];
      if (format == WeightFormat::f32) std::memcpy(out + (k * 16 + lane) * 4, &value, 4);
      else if (format == WeightFormat::f16) put16(out + (k * 16 + lane) * 2, floatToF16(value));
      else put16(out + (k / 2 * 32 + lane * 2 + k % 2) * 2, floatToBf16(value));
    }
}

// One group of one channel into its place in the group of 16 channels.
void placeCodes(WeightFormat format, const GroupCodes& codes, int group, int64_t lane, std::byte* out) {
  if (format == WeightFormat::f8) std::memcpy(out + lane * 4, &codes.scale, 4);
  else put16(out + lane * 2, floatToF16(codes.scale));
  if (format == WeightFormat::i4m) put16(out + 32 + lane * 2, floatToF16(codes.minimum));
  std::byte* values = out + headerBytes(format) + lane * 4;
  for (int k = 0; k < group; ++k) {
    int code = codes.codes[k];
    if (hasByteCodes(format)) {
      values[k / 4 * 64 + k % 4] = static_cast<std::byte>(format == WeightFormat::i8 ? code + 128 : code);
      continue;
    }
    int nibble = format == WeightFormat::i4 ? code + 8 : code;
    values[k / 8 * 64 + k % 4] |= static_cast<std::byte>(k % 8 < 4 ? nibble : nibble << 4);
  }
}

const float* groupOf(std::span<const float> importance, int64_t firstColumn) {
  return importance.empty() ? nullptr : importance.data() + firstColumn;
}

class BlockPacker {
 public:
  BlockPacker(const ParamRows& param, int64_t rows, int64_t columns, const StorageFormat& format, std::span<const float> importance)
      : param_(param),
        rows_(rows),
        columns_(columns),
        format_(format),
        importance_(importance),
        values_(static_cast<size_t>(kBlockChannels * columns)) {}

  Status pack(int64_t block, std::byte* out) {
    int64_t first = block * kBlockChannels, count = std::min<int64_t>(kBlockChannels, rows_ - first);
    std::fill(values_.begin(), values_.end(), 0.0f);
    INGOT_TRY(param_.read(first, count, values_.data()));
    if (format_.format == WeightFormat::f16) INGOT_TRY(checkRange(first));
    if (!isQuantized(format_.format)) {
      packFloats(format_.format, values_.data(), columns_, out);
      return {};
    }
    for (int64_t lane = 0; lane < kBlockChannels; ++lane) INGOT_TRY(packChannel(first + lane, lane, out));
    return {};
  }

 private:
  Status checkRange(int64_t firstRow) const {
    constexpr float kLargest = 65504;
    for (size_t i = 0; i < values_.size(); ++i)
      if (std::abs(values_[i]) > kLargest)
        return Status::unsupported("row {}, column {}: a weight of {}, float16 holds at most {}; use --dtype=bfloat16",
                                   firstRow + static_cast<int64_t>(i) / columns_, static_cast<int64_t>(i) % columns_, values_[i], kLargest);
    return {};
  }

  Status packChannel(int64_t row, int64_t lane, std::byte* out) {
    int64_t rowInTensor = 0, bytes = groupBytes(format_.format, format_.group);
    const TensorInfo* tensor = row < rows_ ? param_.blocksOf(row, rowInTensor) : nullptr;
    if (tensor && tensor->scales && format_.format == WeightFormat::f8) return copyChannel(*tensor, rowInTensor, lane, out);
    const ElementTypeInfo* info = tensor ? &infoOf(tensor->type) : nullptr;
    bool aligned = info && static_cast<int>(info->blockElements) == format_.group;
    if (aligned) {
      blocks_.resize(static_cast<size_t>(columns_ / format_.group) * info->blockBytes);
      INGOT_TRY(param_.readBlocks(*tensor, rowInTensor, blocks_.data()));
    }
    GroupCodes codes;
    for (int64_t g = 0; g < columns_ / format_.group; ++g) {
      if (!aligned || !exactCodes(tensor->type, blocks_.data() + g * info->blockBytes, format_.format, codes))
        quantizeGroup(format_.format, values_.data() + lane * columns_ + g * format_.group, groupOf(importance_, g * format_.group), format_.group,
                      codes);
      if (!std::isfinite(codes.scale) || !std::isfinite(codes.minimum))
        return Status::unsupported("row {}: a scale does not fit 16 bits; use --dtype=float32 without quantisation", row);
      placeCodes(format_.format, codes, format_.group, lane, out + g * bytes);
    }
    return {};
  }

  // 8-bit floats as they are: no scale ends within a group.
  Status copyChannel(const TensorInfo& tensor, int64_t row, int64_t lane, std::byte* out) {
    blocks_.resize(static_cast<size_t>(columns_));
    INGOT_TRY(param_.readBlocks(tensor, row, blocks_.data()));
    GroupCodes codes;
    for (int64_t g = 0; g < columns_ / format_.group; ++g) {
      std::memcpy(codes.codes, blocks_.data() + g * format_.group, static_cast<size_t>(format_.group));
      codes.scale = tensor.scales->at(row, g * format_.group);
      placeCodes(format_.format, codes, format_.group, lane, out + g * groupBytes(format_.format, format_.group));
    }
    return {};
  }

  const ParamRows& param_;
  int64_t rows_, columns_;
  StorageFormat format_;
  std::span<const float> importance_;
  std::vector<float> values_;
  std::vector<std::byte> blocks_;
};

}  // namespace

Status packMatrix(const ParamRows& param, int64_t rows, int64_t columns, const StorageFormat& format, std::span<const float> importance, int jobs,
                  const PackSink& sink) {
  if (!importance.empty() && static_cast<int64_t>(importance.size()) != columns)
    return Status::internal("the importance of {} columns, for {}", importance.size(), columns);
  if (columns % format.group) return Status::internal("{} columns do not divide into groups of {}", columns, format.group);
  if (format.format == WeightFormat::bf16 && columns % 2) return Status::unsupported("bf16 weights need an even number of columns, not {}", columns);
  int64_t blockSize = blockBytes(format.format, columns, format.group);
  int64_t perPiece = std::max<int64_t>(1, (4 << 20) / blockSize), blocks = blockCount(rows);
  return parallelFor(static_cast<size_t>((blocks + perPiece - 1) / perPiece), jobs, [&](size_t piece) -> Status {
    BlockPacker packer(param, rows, columns, format, importance);
    int64_t first = static_cast<int64_t>(piece) * perPiece, last = std::min(blocks, first + perPiece);
    std::vector<std::byte> bytes(static_cast<size_t>((last - first) * blockSize));
    for (int64_t block = first; block < last; ++block) INGOT_TRY(packer.pack(block, bytes.data() + (block - first) * blockSize));
    return sink(static_cast<uint64_t>(first * blockSize), bytes);
  });
}

Result<double> quantizationError(const ParamRows& param, int64_t rows, int64_t columns, const StorageFormat& format,
                                 std::span<const float> importance) {
  constexpr int64_t kSampledRows = 32;
  std::vector<float> row(static_cast<size_t>(columns));
  double error = 0, total = 0;
  GroupCodes codes;
  for (int64_t i = 0, count = std::min(rows, kSampledRows); i < count; ++i) {
    INGOT_TRY(param.read(i * rows / count, 1, row.data()));
    for (int64_t at = 0; at + format.group <= columns; at += format.group) {
      const float* weights = groupOf(importance, at);
      quantizeGroup(format.format, row.data() + at, weights, format.group, codes);
      for (int k = 0; k < format.group; ++k) {
        double value = row[static_cast<size_t>(at + k)], difference = value - (codes.scale * codes.codes[k] + codes.minimum);
        double weight = weights ? weights[k] : 1;
        error += weight * difference * difference;
        total += weight * value * value;
      }
    }
  }
  return total > 0 ? error / total : 0;
}

Result<std::vector<float>> packPlain(llm::ParamOp param, const Checkpoint& checkpoint) {
  if (auto rope = param.getRopeAttr()) {
    auto frequencies = rope.getAs<mlir::DenseF32ArrayAttr>("frequencies").asArrayRef();
    auto positions = llvm::cast<mlir::RankedTensorType>(param.getType()).getDimSize(0);
    return ropeTable({frequencies.data(), frequencies.size()}, rope.getAs<mlir::FloatAttr>("scale").getValueAsDouble(), positions);
  }
  std::vector<float> values;
  for (auto name : param.getSources().getAsValueRange<mlir::StringAttr>()) {
    const TensorInfo& tensor = *checkpoint.find(name.str());
    size_t at = values.size();
    values.resize(at + static_cast<size_t>(tensor.rows() * tensor.columns()));
    INGOT_TRY(checkpoint.readRows(tensor, 0, tensor.rows(), values.data() + at));
    for (; at < values.size(); ++at)
      if (!std::isfinite(values[at])) return Status::invalidInput("{}: holds {}, expected finite numbers", tensor.name, values[at]);
  }
  return values;
}

}  // namespace ingot
