// Names of weight storage, as in `i4g32`, and what they mean to packer and kernels (kernels/linear/layout.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/linear/layout.h"
#include "runtime/base/status.h"

namespace ingot {

struct StorageFormat {
  WeightFormat format = WeightFormat::f32;
  int group = 1;       // columns that share a scale
  bool plain = false;  // row-major f32: vectors and tables

  // "plain", f32, f16, bf16, i8gG, i4gG, i4mgG, f8gG; G is 16, 32, 64 or 128.
  static Result<StorageFormat> parse(std::string_view name);
  uint64_t bytes(int64_t rows, int64_t columns) const;
};

}  // namespace ingot
