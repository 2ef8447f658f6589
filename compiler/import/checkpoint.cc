#include "compiler/import/checkpoint.h"

#include "runtime/base/checked.h"

namespace ingot {

int64_t TensorInfo::columns() const {
  int64_t columns = 1;
  for (size_t i = shape.size() < 2 ? 0 : 1; i < shape.size(); ++i) columns *= shape[i];
  return columns;
}

Status Checkpoint::add(TensorInfo tensor) {
  std::string name = tensor.name;
  if (!tensors_.try_emplace(name, std::move(tensor)).second) return Status::invalidInput("{}: tensor stands in the checkpoint twice", name);
  return {};
}

size_t Checkpoint::addFile(File file) {
  files_.push_back(std::make_unique<File>(std::move(file)));
  return files_.size() - 1;
}

void Checkpoint::setScales(const std::string& tensor, BlockScales scales) {
  tensors_.at(tensor).scales = std::make_shared<const BlockScales>(std::move(scales));
}

const TensorInfo* Checkpoint::find(const std::string& name) const {
  auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

namespace {

uint64_t rowBytes(const TensorInfo& tensor) {
  const auto& info = infoOf(tensor.type);
  return static_cast<uint64_t>(tensor.columns()) / info.blockElements * info.blockBytes;
}

// Entry of the file's first dimension that holds the tensor's entry `at`: pairs (2i, 2i+1) of a head become halves (i, i + D/2), and
// [heads, 3, D] becomes [3, heads, D].
int64_t storedEntry(const TensorInfo& tensor, int64_t at) {
  if (tensor.fusedHeads) {
    int64_t headRows = tensor.shape[0] / (3 * tensor.fusedHeads), head = at / headRows;
    return (head % tensor.fusedHeads * 3 + head / tensor.fusedHeads) * headRows + at % headRows;
  }
  int64_t headRows = tensor.shape[0] / tensor.pairedHeads, half = headRows / 2;
  int64_t head = at / headRows, inHead = at % headRows;
  return head * headRows + 2 * (inHead % half) + inHead / half;
}

}  // namespace

Status Checkpoint::readRawRows(const TensorInfo& tensor, int64_t first, int64_t count, std::byte* out) const {
  uint64_t bytes = rowBytes(tensor);
  const File& file = *files_[tensor.file];
  if (!tensor.pairedHeads && !tensor.fusedHeads)
    return file.read(tensor.offset + static_cast<uint64_t>(first) * bytes, {out, static_cast<size_t>(count) * bytes});
  int64_t entries = tensor.shape.size() < 2 ? tensor.shape[0] : 1;  // of a row
  bytes /= static_cast<uint64_t>(entries);
  for (int64_t i = 0; i < count * entries; ++i)
    INGOT_TRY(file.read(tensor.offset + static_cast<uint64_t>(storedEntry(tensor, first * entries + i)) * bytes, {out + i * bytes, bytes}));
  return {};
}

Status Checkpoint::readRows(const TensorInfo& tensor, int64_t first, int64_t count, float* out) const {
  std::vector<std::byte> raw(rowBytes(tensor) * static_cast<uint64_t>(count));
  INGOT_TRY(readRawRows(tensor, first, count, raw.data()));
  decodeElements(tensor.type, raw.data(), count * tensor.columns(), out);
  if (tensor.scales)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t c = 0; c < tensor.columns(); ++c) *out++ *= tensor.scales->at(first + i, c);
  return {};
}

void Checkpoint::forget(const TensorInfo& tensor) const { files_[tensor.file]->forget(tensor.offset, tensor.bytes); }

std::string describeShape(const std::vector<int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

std::string describe(const TensorInfo& tensor) { return fmt::format("{}{}", infoOf(tensor.type).name, describeShape(tensor.shape)); }

std::string describe(const nlohmann::ordered_json& value) {
  constexpr size_t kMostShown = 80;
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::ordered_json::error_handler_t::replace);
  return text.size() <= kMostShown ? text : text.substr(0, kMostShown) + "...";
}

}  // namespace ingot
