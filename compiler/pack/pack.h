// Parameters -> the bytes that kernels read (kernels/linear/layout.h), streamed a few blocks of channels at a time.
#pragma once

#include <functional>

#include "compiler/pack/format.h"
#include "compiler/pack/param_rows.h"

namespace ingot {

// Takes packed bytes at `offset` of the parameter. Called from several threads.
using PackSink = std::function<Status(uint64_t offset, std::span<const std::byte> bytes)>;

// Packs a matrix [rows, columns]. `importance`: one value a column (quantize.h), or empty. Peak memory: a few blocks of 16 rows for
// each of `jobs` threads.
Status packMatrix(const ParamRows& param, int64_t rows, int64_t columns, const StorageFormat& format, std::span<const float> importance, int jobs,
                  const PackSink& sink);

// Squared error of a matrix in `format` over the sum of its squares, on rows spread evenly over it; at least 0. Both weighted by
// `importance`, unless it is empty.
Result<double> quantizationError(const ParamRows& param, int64_t rows, int64_t columns, const StorageFormat& format,
                                 std::span<const float> importance);

// A vector or table as row-major f32: sources one after the other, or the rope table.
Result<std::vector<float>> packPlain(llm::ParamOp param, const Checkpoint& checkpoint);

}  // namespace ingot
