// A checkpoint as its readers see it: named tensors in files, read row by row as f32. Knows no model.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/support/file.h"

namespace ingot {

// How the elements of a tensor lie in its file: f8 is e4m3; the q types are GGUF's blocks (ggml's block_q4_0 ... block_q6_K).
enum class ElementType : uint8_t { f32, f16, bf16, f64, f8, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k };

struct ElementTypeInfo {
  std::string_view name;
  uint32_t blockElements;  // 1 for plain types
  uint32_t blockBytes;
};
const ElementTypeInfo& infoOf(ElementType type);

// Decodes `count` elements (a multiple of the block) from `bytes` into `out`.
void decodeElements(ElementType type, const std::byte* bytes, int64_t count, float* out);

// What the elements of a tensor of 8-bit floats are to be multiplied with: a value for every `rows` x `columns` of them.
struct BlockScales {
  int64_t rows, columns, across;  // blocks side by side
  std::vector<float> values;

  float at(int64_t row, int64_t column) const { return values[static_cast<size_t>(row / rows * across + column / columns)]; }
};

struct TensorInfo {
  std::string name;
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape;  // rows first; a vector has one dimension
  size_t file = 0;             // index into Checkpoint's files
  uint64_t offset = 0;         // bytes from the file's start
  uint64_t bytes = 0;
  std::shared_ptr<const BlockScales> scales;  // of f8, once attachScales() has found them
  int64_t pairedHeads = 0;                    // > 0: rows of each head lie in pairs (GGUF's llama q and k) and are read halves first
  int64_t fusedHeads = 0;                     // > 0: q, k and v of one head lie after the other (BLOOM), and are read all of q first

  int64_t rows() const { return shape.size() < 2 ? 1 : shape[0]; }
  int64_t columns() const;  // elements of one row
};

// Named tensors of one or several files. Immutable once built; reads are thread-safe.
class Checkpoint {
 public:
  // Adds a tensor whose range was checked against its file. Fails on a name that is there already.
  Status add(TensorInfo tensor);
  size_t addFile(File file);

  void setScales(const std::string& tensor, BlockScales scales);
  void setFusedHeads(const std::string& tensor, int64_t heads) { tensors_.at(tensor).fusedHeads = heads; }
  void drop(const std::string& tensor) { tensors_.erase(tensor); }

  // The same files with no tensors yet; this checkpoint keeps its tensors and loses its files.
  Checkpoint withoutTensors() && {
    Checkpoint other;
    other.files_ = std::move(files_);
    return other;
  }

  const TensorInfo* find(const std::string& name) const;
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  const std::vector<std::unique_ptr<File>>& files() const { return files_; }

  // Rows [first, first + count) as f32, row after row.
  Status readRows(const TensorInfo& tensor, int64_t first, int64_t count, float* out) const;
  // The bytes of those rows as they lie in the file (plain or blocks), in reading order.
  Status readRawRows(const TensorInfo& tensor, int64_t first, int64_t count, std::byte* out) const;
  // Lets go of the file pages of a tensor that will not be read again.
  void forget(const TensorInfo& tensor) const;

 private:
  std::map<std::string, TensorInfo> tensors_;
  std::vector<std::unique_ptr<File>> files_;
};

// "bf16[576,1536]", as messages show a tensor.
std::string describe(const TensorInfo& tensor);
std::string describeShape(const std::vector<int64_t>& shape);
// A JSON value as messages show it: cut short, with bytes that are no UTF-8 (GGUF allows them) replaced.
std::string describe(const nlohmann::ordered_json& value);

// Readers: each adds the tensors of its files to `checkpoint`, after checking every size against the file.
Status readSafetensors(const std::filesystem::path& path, Checkpoint& checkpoint);
Status readSafetensorsFolder(const std::filesystem::path& folder, Checkpoint& checkpoint);  // one file or a sharded index

// Reads `whole`, or the shards that `whole`.index.json names.
using ShardReader = std::function<Status(const std::filesystem::path&, Checkpoint&)>;
Status readShards(const std::filesystem::path& whole, const ShardReader& read, Checkpoint& checkpoint);

}  // namespace ingot
