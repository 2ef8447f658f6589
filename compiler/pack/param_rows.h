// The rows of a parameter in their final order, out of one or several checkpoint tensors.
#pragma once

#include "compiler/import/checkpoint.h"
#include "dialects/llm/llm.h"

namespace ingot {

// Where rows come from: a checkpoint, or a random generator (--random-weights).
class ParamRows {
 public:
  virtual ~ParamRows() = default;
  // Rows [first, first + count) as f32 into out[count, columns]. Thread-safe. Refuses NaN and infinity.
  virtual Status read(int64_t first, int64_t count, float* out) const = 0;
  // The tensor behind a row, with the row's place in it, when its blocks, or scaled 8-bit floats, lie as the row's columns do; else null.
  virtual const TensorInfo* blocksOf(int64_t row, int64_t& rowInTensor) const = 0;
  virtual Status readBlocks(const TensorInfo& tensor, int64_t row, std::byte* out) const = 0;
  // Lets go of what was read.
  virtual void forget() const = 0;
};

Result<std::unique_ptr<ParamRows>> openParam(llm::ParamOp param, const Checkpoint& checkpoint);

// Values of standard deviation 0.02, the same for the same seed, parameter and place.
std::unique_ptr<ParamRows> randomParam(llm::ParamOp param, uint64_t seed);

}  // namespace ingot
