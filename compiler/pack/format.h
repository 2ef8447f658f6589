// Names of weight storage, as in `i4g32`, and what they mean to packer and kernels (kernels/linear/layout.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/import/checkpoint.h"
#include "kernels/linear/layout.h"
#include "runtime/base/status.h"

namespace ingot {

struct StorageFormat {
  WeightFormat format = WeightFormat::f32;
  int group = 1;       // columns that share a scale
  bool plain = false;  // row-major f32: vectors and tables

  // "plain", f32, f16, bf16, i8gG, i4gG, i4mgG; G is 16, 32, 64 or 128.
  static Result<StorageFormat> parse(std::string_view name);
  uint64_t bytes(int64_t rows, int64_t columns) const;
};

// The storage that keeps a block type's own precision; empty for types without blocks.
// `exact` is false where scales are rounded to f16 or values to 8 bits.
struct KeptStorage {
  std::string_view name;
  bool exact;
};
KeptStorage keptStorage(ElementType type);

}  // namespace ingot
