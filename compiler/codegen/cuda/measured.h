// From how many rows on larger kernels pay, and whether a token alone does as one kernel, as GPUs measured it: `tools/dev gpu --tune DIR` writes
// measured.inc. What has no row there follows the cost models in linear.spec.h.
#pragma once

#include <span>
#include <string_view>

#include "compiler/codegen/unit.h"

namespace ingot {

struct MeasuredRows {
  std::string_view architecture, kernel;  // sm_90a; wide.f16.n4096.k4096.r64, the kernel's name
  int64_t leastRows;                      // from which on it is faster than all that begin with fewer; of a program 1, or more where it is not
};

std::span<const MeasuredRows> measuredRows();

// Of a linear's larger kernel, or of a program: the row of `measured` for it, else the cost model's. No program pays that was not measured.
int64_t leastRowsOf(const KernelUnit& unit, std::string_view architecture, std::span<const MeasuredRows> measured = measuredRows());

}  // namespace ingot
