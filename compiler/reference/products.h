// The sums of a linear in float for whole texts: eight running sums each, over tiles that stay in registers. ref::linear says what they are.
#pragma once

#include <cstdint>

#include "runtime/base/status.h"

namespace ingot::reference {

// sums[rows, channels] = x[rows, columns] times weight[channels, columns] transposed. The same bits for any `jobs`.
Status products(const float* x, int64_t rows, int64_t columns, const float* weight, int64_t channels, int jobs, float* sums);

}  // namespace ingot::reference
