// From how many rows on larger kernels pay, as GPUs measured it: `tools/dev gpu --tune DIR` writes measured.inc. What has no row there
// follows the cost model in linear.spec.h.
#pragma once

#include <span>
#include <string_view>

#include "compiler/codegen/unit.h"

namespace ingot {

struct MeasuredRows {
  std::string_view architecture, format;  // sm_90a; i4g32, as in the kernel's name
  int64_t channels, columns, leastRows;
};

std::span<const MeasuredRows> measuredRows();

// Of a linear's larger kernel: the row of `measured` for it, else the cost model's.
int64_t leastRowsOf(const KernelUnit& unit, std::string_view architecture, std::span<const MeasuredRows> measured = measuredRows());

}  // namespace ingot
