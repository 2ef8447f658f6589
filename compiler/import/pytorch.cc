#include "compiler/import/pytorch.h"

#include "compiler/import/pickle.h"
#include "compiler/import/zip.h"
#include "runtime/base/checked.h"

namespace ingot {
namespace {

using Kind = PickleValue::Kind;

constexpr uint64_t kMaxPickleBytes = 256u << 20;

Result<std::vector<int64_t>> integers(const PickleValue& tuple) {
  std::vector<int64_t> values;
  for (const auto& item : tuple.items) {
    if (item->kind != Kind::integer || item->integer < 0 || item->integer > 1ll << 40) return Status::invalidInput("a size is not a whole number");
    values.push_back(item->integer);
  }
  return values;
}

// Integer buffers (position ids, masks) hold no weights: they have no element type here.
std::optional<ElementType> elementType(const std::string& storage) {
  if (storage == "torch FloatStorage") return ElementType::f32;
  if (storage == "torch HalfStorage") return ElementType::f16;
  if (storage == "torch BFloat16Storage") return ElementType::bf16;
  if (storage == "torch DoubleStorage") return ElementType::f64;
  return std::nullopt;
}

bool isContiguous(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0; expected *= shape[i])
    if (shape[i] != 1 && strides[i] != expected) return false;
  return true;
}

// _rebuild_tensor_v2(storage, offset, size, stride, ...), where storage is the persistent ("storage", type, key, place, count).
Result<std::optional<TensorInfo>> tensorOf(const PickleValue& call, const std::map<std::string, ZipEntry>& entries, const std::string& root) {
  const PickleValue* value = &call;
  if (value->kind == Kind::call && value->text == "torch._utils _rebuild_parameter" && !value->items.empty()) value = value->items[0];
  if (value->kind != Kind::call || value->text != "torch._utils _rebuild_tensor_v2" || value->items.size() < 4 ||
      value->items[0]->kind != Kind::persistent || value->items[0]->items.size() < 5 || value->items[1]->kind != Kind::integer)
    return Status::unsupported("is not a plain tensor");
  const auto& storage = value->items[0]->items;
  auto type = elementType(storage[1]->text);
  if (!type) return std::optional<TensorInfo>();
  TensorInfo tensor{.type = *type};
  INGOT_ASSIGN(tensor.shape, integers(*value->items[2]));
  INGOT_ASSIGN(auto strides, integers(*value->items[3]));
  if (tensor.shape.size() != strides.size() || !isContiguous(tensor.shape, strides))
    return Status::unsupported("is a view with strides [{}] of shape {}; save it with .contiguous()", fmt::join(strides, ","),
                               describeShape(tensor.shape));
  uint64_t elements = 1, width = infoOf(*type).blockBytes;
  for (int64_t size : tensor.shape) {
    auto product = checkedMul(elements, static_cast<uint64_t>(size));
    if (!product || *product > 1ull << 40) return Status::invalidInput("shape {} is too large", describeShape(tensor.shape));
    elements = *product;
  }
  auto entry = entries.find(root + "data/" + storage[2]->text);
  if (entry == entries.end()) return Status::invalidInput("its bytes {}data/{} are not in the file", root, storage[2]->text);
  auto offset = static_cast<uint64_t>(value->items[1]->integer);
  if (value->items[1]->integer < 0 || offset + elements > entry->second.bytes / width)
    return Status::invalidInput("elements [{}, {}) lie outside a storage of {}", offset, offset + elements, entry->second.bytes / width);
  tensor.offset = entry->second.offset + offset * width;
  tensor.bytes = elements * width;
  return std::optional<TensorInfo>(std::move(tensor));
}

Status readChecked(const std::filesystem::path& path, Checkpoint& checkpoint) {
  INGOT_ASSIGN(File file, File::open(path));
  std::byte magic[2] = {};
  if (file.size() >= 2) INGOT_TRY(file.read(0, magic));
  if (magic[0] != std::byte{'P'} || magic[1] != std::byte{'K'})
    return Status::unsupported("is not in torch.save's zip form (the old tar and legacy forms are not read); save it again, best as safetensors");
  INGOT_ASSIGN(auto entries, readZip(file));
  std::string root;
  const ZipEntry* pickle = nullptr;
  for (const auto& [name, entry] : entries)
    if (name.size() >= 8 && name.compare(name.size() - 8, 8, "data.pkl") == 0) root = name.substr(0, name.size() - 8), pickle = &entry;
  if (!pickle || pickle->bytes > kMaxPickleBytes) return Status::invalidInput("has no data.pkl of at most {} bytes", kMaxPickleBytes);
  std::vector<std::byte> bytes(pickle->bytes);
  INGOT_TRY(file.read(pickle->offset, bytes));
  INGOT_ASSIGN(Pickle content, readPickle(bytes));
  const PickleValue* dict = content.root;
  if (dict->kind != Kind::dict) return Status::unsupported("holds no state dict");
  size_t index = checkpoint.addFile(std::move(file));
  for (size_t i = 0; i + 1 < dict->items.size(); i += 2) {
    if (dict->items[i]->kind != Kind::text) return Status::invalidInput("a key of the state dict is no text");
    const std::string& name = dict->items[i]->text;
    auto tensor = tensorOf(*dict->items[i + 1], entries, root);
    if (!tensor.ok()) return tensor.status().at(name);
    if (!*tensor) continue;
    (*tensor)->name = name;
    (*tensor)->file = index;
    INGOT_TRY(checkpoint.add(std::move(**tensor)));
  }
  return {};
}

}  // namespace

Status readPytorchFile(const std::filesystem::path& path, Checkpoint& checkpoint) { return readChecked(path, checkpoint).at(path.string()); }

Status readPytorchFolder(const std::filesystem::path& folder, Checkpoint& checkpoint) {
  return readShards(folder / "pytorch_model.bin", readPytorchFile, checkpoint);
}

}  // namespace ingot
