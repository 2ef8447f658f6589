// Reads safetensors files (format: huggingface/safetensors README) and sharded indexes.
// Refuses: headers over 100 MB, unknown dtypes, ranges that overlap, leave holes or disagree with dtype and shape.
#include <algorithm>

#include "compiler/import/checkpoint.h"
#include "runtime/base/byte_reader.h"
#include "runtime/base/checked.h"

namespace ingot {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;

std::optional<ElementType> elementType(const std::string& name) {
  if (name == "F32") return ElementType::f32;
  if (name == "F16") return ElementType::f16;
  if (name == "BF16") return ElementType::bf16;
  if (name == "F64") return ElementType::f64;
  if (name == "F8_E4M3") return ElementType::f8;
  return std::nullopt;
}

Result<std::vector<int64_t>> parseShape(const nlohmann::ordered_json& json) {
  if (!json.is_array() || json.size() > 8) return Status::invalidInput("shape must be a list of at most 8 sizes");
  std::vector<int64_t> shape;
  for (const auto& size : json) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() == 0 || size.get<uint64_t>() > (1ull << 40))
      return Status::invalidInput("shape has size {}, expected 1 to 2^40", describe(size));
    shape.push_back(size.get<int64_t>());
  }
  return shape;
}

Result<TensorInfo> parseTensor(const std::string& name, const nlohmann::ordered_json& json, uint64_t dataBytes) {
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") || !json.contains("data_offsets"))
    return Status::invalidInput("needs dtype, shape and data_offsets");
  TensorInfo tensor{.name = name};
  auto type = json["dtype"].is_string() ? elementType(json["dtype"].get<std::string>()) : std::nullopt;
  if (!type) return Status::unsupported("dtype {} is not one of F32 F16 BF16 F64 F8_E4M3", describe(json["dtype"]));
  tensor.type = *type;
  INGOT_ASSIGN(tensor.shape, parseShape(json["shape"]));

  const auto& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    return Status::invalidInput("data_offsets must be two offsets, found {}", describe(offsets));
  uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  if (begin > end || end > dataBytes) return Status::invalidInput("data_offsets [{}, {}) are outside the {} bytes of data", begin, end, dataBytes);
  std::optional<uint64_t> bytes = infoOf(tensor.type).blockBytes;
  for (int64_t size : tensor.shape) bytes = bytes ? checkedMul(*bytes, static_cast<uint64_t>(size)) : bytes;
  if (!bytes || *bytes != end - begin) return Status::invalidInput("{} does not fit its {} bytes", describe(tensor), end - begin);
  tensor.offset = begin;
  tensor.bytes = end - begin;
  return tensor;
}

// Ranges must cover the data without overlap or hole, as the format demands.
Status checkCoverage(std::vector<TensorInfo>& tensors, uint64_t dataBytes) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  uint64_t next = 0;
  for (const auto& tensor : tensors) {
    if (tensor.offset != next)
      return Status::invalidInput("{}: starts at byte {} of the data, expected {}: ranges overlap or leave a hole", tensor.name, tensor.offset, next);
    next += tensor.bytes;
  }
  if (next != dataBytes) return Status::invalidInput("tensors cover {} bytes, the file has {} bytes of data", next, dataBytes);
  return {};
}

Status readChecked(const std::filesystem::path& path, Checkpoint& checkpoint) {
  INGOT_ASSIGN(File file, File::open(path));
  uint64_t headerBytes = 0;
  INGOT_TRY(file.read(0, std::as_writable_bytes(std::span(&headerBytes, 1))));
  if (headerBytes > kMaxHeaderBytes || headerBytes > file.size() - 8)
    return Status::invalidInput("{}: header says {} bytes, file has {} after it (limit {})", path.string(), headerBytes, file.size() - 8,
                                kMaxHeaderBytes);
  std::string text(headerBytes, '\0');
  INGOT_TRY(file.read(8, std::as_writable_bytes(std::span(text))));
  INGOT_ASSIGN(auto header, parseJson(text, path.string() + ": header"));
  if (!header.is_object()) return Status::invalidInput("{}: header is not an object", path.string());

  uint64_t dataStart = 8 + headerBytes, dataBytes = file.size() - dataStart;
  std::vector<TensorInfo> tensors;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    auto tensor = parseTensor(name, value, dataBytes);
    if (!tensor.ok()) return tensor.status().at(name).at(path.string());
    tensors.push_back(std::move(tensor).value());
  }
  INGOT_TRY(checkCoverage(tensors, dataBytes).at(path.string()));
  size_t index = checkpoint.addFile(std::move(file));
  for (auto& tensor : tensors) {
    tensor.file = index;
    tensor.offset += dataStart;
    INGOT_TRY(checkpoint.add(std::move(tensor)).at(path.string()));
  }
  return {};
}

}  // namespace

Status readSafetensors(const std::filesystem::path& path, Checkpoint& checkpoint) { return readChecked(path, checkpoint); }

Status readSafetensorsFolder(const std::filesystem::path& folder, Checkpoint& checkpoint) {
  return readShards(folder / "model.safetensors", readSafetensors, checkpoint);
}

}  // namespace ingot
