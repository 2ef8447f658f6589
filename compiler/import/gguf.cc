#include "compiler/import/gguf.h"

#include <unordered_set>

#include "runtime/base/byte_reader.h"
#include "runtime/base/checked.h"

namespace ingot {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxHeaderBytes = 256u << 20;
constexpr uint64_t kMaxTensors = 1 << 20, kMaxKeys = 1 << 16;

// Value types in the order of GGUF's enum gguf_type.
enum ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64 };

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : in_(bytes) {}

  template <class T>
  Result<Json> number() {
    INGOT_ASSIGN(T value, in_.read<T>());
    return Json(value);
  }

  Result<std::string> string() {
    INGOT_ASSIGN(uint64_t size, in_.read<uint64_t>());
    INGOT_ASSIGN(std::string_view bytes, in_.takeText(size));
    return std::string(bytes);
  }

  Result<Json> value(uint32_t type, int depth) {
    switch (type) {
      case u8: return number<uint8_t>();
      case i8: return number<int8_t>();
      case u16: return number<uint16_t>();
      case i16: return number<int16_t>();
      case u32: return number<uint32_t>();
      case i32: return number<int32_t>();
      case f32: return number<float>();
      case u64: return number<uint64_t>();
      case i64: return number<int64_t>();
      case f64: return number<double>();
      case boolean: {
        INGOT_ASSIGN(uint8_t byte, in_.read<uint8_t>());
        return Json(byte != 0);
      }
      case text: {
        INGOT_ASSIGN(std::string value, string());
        return Json(std::move(value));
      }
      case array: return list(depth);
    }
    return Status::invalidInput("at byte {}: value type {} does not exist", in_.position(), type);
  }

  Result<Json> list(int depth) {
    if (depth > 2) return Status::invalidInput("at byte {}: arrays nest deeper than 2", in_.position());
    INGOT_ASSIGN(uint32_t type, in_.read<uint32_t>());
    INGOT_ASSIGN(uint64_t count, in_.read<uint64_t>());
    if (count > in_.remaining())
      return Status::invalidInput("at byte {}: an array of {} values, {} bytes remain", in_.position(), count, in_.remaining());
    Json values = Json::array();
    for (uint64_t i = 0; i < count; ++i) {
      INGOT_ASSIGN(Json one, value(type, depth + 1));
      values.push_back(std::move(one));
    }
    return values;
  }

  ByteReader& in() { return in_; }

 private:
  ByteReader in_;
};

// GGUF's enum ggml_type.
Result<ElementType> elementType(uint32_t type) {
  switch (type) {
    case 0: return ElementType::f32;
    case 1: return ElementType::f16;
    case 2: return ElementType::q4_0;
    case 3: return ElementType::q4_1;
    case 6: return ElementType::q5_0;
    case 7: return ElementType::q5_1;
    case 8: return ElementType::q8_0;
    case 12: return ElementType::q4_k;
    case 13: return ElementType::q5_k;
    case 14: return ElementType::q6_k;
    case 30: return ElementType::bf16;
    default: break;
  }
  return Status::unsupported("ggml type {}: the types read are F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K Q6_K", type);
}

Result<TensorInfo> readTensor(Reader& reader) {
  TensorInfo tensor;
  INGOT_ASSIGN(tensor.name, reader.string());
  INGOT_ASSIGN(uint32_t dimensions, reader.in().read<uint32_t>());
  if (dimensions < 1 || dimensions > 4) return Status::invalidInput("{}: has {} dimensions, expected 1 to 4", tensor.name, dimensions);
  uint64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    INGOT_ASSIGN(uint64_t size, reader.in().read<uint64_t>());
    auto product = checkedMul(elements, size);
    if (size == 0 || !product || *product > 1ull << 40) return Status::invalidInput("{}: dimension {} is {}", tensor.name, i, size);
    elements = *product;
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));  // GGUF lists columns first
  }
  INGOT_ASSIGN(uint32_t type, reader.in().read<uint32_t>());
  auto element = elementType(type);
  if (!element.ok()) return element.status().at(tensor.name);
  tensor.type = *element;
  const ElementTypeInfo& info = infoOf(tensor.type);
  if (tensor.columns() % info.blockElements)
    return Status::invalidInput("{}: {} columns do not divide into {} blocks", tensor.name, tensor.columns(), info.name);
  tensor.bytes = elements / info.blockElements * info.blockBytes;
  INGOT_ASSIGN(tensor.offset, reader.in().read<uint64_t>());
  return tensor;
}

Result<Json> readChecked(const std::filesystem::path& path, Checkpoint& checkpoint) {
  INGOT_ASSIGN(File file, File::open(path));
  std::vector<std::byte> head(std::min(file.size(), kMaxHeaderBytes));
  INGOT_TRY(file.read(0, head));
  Reader reader(head);
  INGOT_ASSIGN(std::string_view magic, reader.in().takeText(4));
  if (magic != "GGUF") return Status::invalidInput("does not start with GGUF");
  INGOT_ASSIGN(uint32_t version, reader.in().read<uint32_t>());
  if (version != 2 && version != 3) return Status::unsupported("GGUF version {}, expected 2 or 3", version);
  INGOT_ASSIGN(uint64_t tensors, reader.in().read<uint64_t>());
  INGOT_ASSIGN(uint64_t keys, reader.in().read<uint64_t>());
  if (tensors > kMaxTensors || keys > kMaxKeys)
    return Status::invalidInput("says {} tensors and {} keys, at most {} and {} are read", tensors, keys, kMaxTensors, kMaxKeys);
  Json metadata = Json::object();
  std::unordered_set<std::string> seen;  // a look into `metadata` takes time in proportion to its keys
  for (uint64_t i = 0; i < keys; ++i) {
    INGOT_ASSIGN(std::string key, reader.string());
    INGOT_ASSIGN(uint32_t type, reader.in().read<uint32_t>());
    INGOT_ASSIGN(Json value, reader.value(type, 0));
    if (!seen.insert(key).second) return Status::invalidInput("key {} stands twice", key);
    metadata.get_ref<Json::object_t&>().Container::emplace_back(std::move(key), std::move(value));
  }
  std::vector<TensorInfo> infos;
  for (uint64_t i = 0; i < tensors; ++i) {
    INGOT_ASSIGN(TensorInfo tensor, readTensor(reader));
    infos.push_back(std::move(tensor));
  }
  uint64_t alignment = metadata.contains("general.alignment") && metadata["general.alignment"].is_number_unsigned()
                           ? metadata["general.alignment"].get<uint64_t>()
                           : 32;
  if (alignment == 0 || alignment > 65536 || alignment % 8) return Status::invalidInput("general.alignment is {}", alignment);
  uint64_t data = roundUp(reader.in().position(), alignment), size = file.size();
  size_t index = checkpoint.addFile(std::move(file));
  for (TensorInfo& tensor : infos) {
    auto end = checkedAdd(tensor.offset, data);
    end = end ? checkedAdd(*end, tensor.bytes) : end;
    if (!end || *end > size || tensor.offset % alignment)
      return Status::invalidInput("{}: {} bytes at {} of the data, file has {} bytes after byte {}", tensor.name, tensor.bytes, tensor.offset,
                                  size > data ? size - data : 0, data);
    tensor.offset += data;
    tensor.file = index;
    INGOT_TRY(checkpoint.add(std::move(tensor)));
  }
  return metadata;
}

}  // namespace

Result<Json> readGguf(const std::filesystem::path& path, Checkpoint& checkpoint) {
  auto metadata = readChecked(path, checkpoint);
  return metadata.ok() ? std::move(metadata) : Result<Json>(metadata.status().at(path.string()));
}

}  // namespace ingot
