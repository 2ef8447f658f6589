#include "compiler/pack/param_rows.h"

#include <cmath>

namespace ingot {
namespace {

class CheckpointRows : public ParamRows {
 public:
  CheckpointRows(const Checkpoint& checkpoint, std::vector<const TensorInfo*> tensors, bool interleaved, bool transposed)
      : checkpoint_(checkpoint), tensors_(std::move(tensors)), interleaved_(interleaved), transposed_(transposed) {}

  // Conv1D weights lie [in, out]: turned once, for the whole tensor.
  Status turn() {
    const TensorInfo& tensor = *tensors_[0];
    int64_t in = tensor.rows(), out = tensor.columns();
    std::vector<float> whole(static_cast<size_t>(in * out));
    INGOT_TRY(checkpoint_.readRows(tensor, 0, in, whole.data()));
    turned_.resize(whole.size());
    for (int64_t i = 0; i < in; ++i)
      for (int64_t o = 0; o < out; ++o) turned_[static_cast<size_t>(o * in + i)] = whole[static_cast<size_t>(i * out + o)];
    return {};
  }

  Status read(int64_t first, int64_t count, float* out) const override {
    for (int64_t i = 0; i < count; ++i) {
      int64_t row;
      const TensorInfo& tensor = locate(first + i, row);
      int64_t columns = transposed_ ? tensor.rows() : tensor.columns();
      float* to = out + i * columns;
      if (transposed_) std::copy_n(turned_.begin() + row * columns, columns, to);
      else INGOT_TRY(checkpoint_.readRows(tensor, row, 1, to));
      for (int64_t c = 0; c < columns; ++c)
        if (!std::isfinite(to[c])) return Status::invalidInput("{}: element [{}, {}] is {}, expected a finite number", tensor.name, row, c, to[c]);
    }
    return {};
  }

  const TensorInfo* blocksOf(int64_t row, int64_t& rowInTensor) const override {
    const TensorInfo& tensor = locate(row, rowInTensor);
    return !transposed_ && (infoOf(tensor.type).blockElements > 1 || tensor.scales) ? &tensor : nullptr;
  }
  Status readBlocks(const TensorInfo& tensor, int64_t row, std::byte* out) const override { return checkpoint_.readRawRows(tensor, row, 1, out); }
  void forget() const override {
    for (const TensorInfo* tensor : tensors_) checkpoint_.forget(*tensor);
  }

 private:
  const TensorInfo& locate(int64_t row, int64_t& rowInTensor) const {
    if (interleaved_) {
      int64_t block = row / 16, count = static_cast<int64_t>(tensors_.size());
      rowInTensor = block / count * 16 + row % 16;
      return *tensors_[static_cast<size_t>(block % count)];
    }
    size_t at = 0;
    rowInTensor = row;
    if (transposed_) return *tensors_[0];
    while (rowInTensor >= rowsOf(*tensors_[at])) rowInTensor -= rowsOf(*tensors_[at++]);
    return *tensors_[at];
  }
  static int64_t rowsOf(const TensorInfo& tensor) { return tensor.rows(); }

  const Checkpoint& checkpoint_;
  std::vector<const TensorInfo*> tensors_;
  bool interleaved_, transposed_;
  std::vector<float> turned_;
};

class RandomRows : public ParamRows {
 public:
  RandomRows(int64_t columns, uint64_t seed, bool ones) : columns_(columns), seed_(seed), ones_(ones) {}

  Status read(int64_t first, int64_t count, float* out) const override {
    for (int64_t i = 0; i < count * columns_; ++i) {
      // splitmix64 (Steele et al. 2014) of the element's place; uniform with standard deviation 0.02.
      uint64_t z = seed_ + 0x9e3779b97f4a7c15ull * static_cast<uint64_t>(first * columns_ + i + 1);
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
      out[i] = ones_ ? 1 : (static_cast<float>(z >> 40) * 0x1p-24f - 0.5f) * 0.0692820323f;
    }
    return {};
  }
  const TensorInfo* blocksOf(int64_t, int64_t&) const override { return nullptr; }
  Status readBlocks(const TensorInfo&, int64_t, std::byte*) const override { return Status::internal("random weights have no blocks"); }
  void forget() const override {}

 private:
  int64_t columns_;
  uint64_t seed_;
  bool ones_;  // norm weights
};

}  // namespace

Result<std::unique_ptr<ParamRows>> openParam(llm::ParamOp param, const Checkpoint& checkpoint) {
  std::vector<const TensorInfo*> tensors;
  for (auto name : param.getSources().getAsValueRange<mlir::StringAttr>()) {
    const TensorInfo* tensor = checkpoint.find(name.str());
    if (!tensor) return Status::internal("{}: was bound and is gone", name.str());
    tensors.push_back(tensor);
  }
  // A vector is one row: its parts follow each other column by column, which one row of rank 1 cannot say.
  bool interleaved = param.getArrangement() == llm::Arrangement::interleave;
  auto rows = std::make_unique<CheckpointRows>(checkpoint, std::move(tensors), interleaved, param.getTransposed());
  if (param.getTransposed()) INGOT_TRY(rows->turn());
  return std::unique_ptr<ParamRows>(std::move(rows));
}

std::unique_ptr<ParamRows> randomParam(llm::ParamOp param, uint64_t seed) {
  for (char c : param.getSymName()) seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  return std::make_unique<RandomRows>(llm::columnsOf(param.getType()), seed, param.getSymName().contains("norm"));
}

}  // namespace ingot
