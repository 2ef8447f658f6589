// Measurements on GPUs: from which row count a larger kernel is faster, and whether the persistent kernel is faster for a single-token batch.
// `tools/dev gpu --tune DIR` writes measured.inc; kernels without a row there follow the cost models in linear.spec.h and wide.spec.h.
#pragma once

#include <span>
#include <string_view>

#include "compiler/codegen/unit.h"

namespace ingot {

struct MeasuredRows {
  std::string_view architecture, kernel;  // sm_90a; wide.f16.n4096.k4096.r64, the kernel's name
  int64_t leastRows;  // a larger kernel: faster than all smaller ones from here; a program: 1 if the persistent kernel is faster, else larger
};

std::span<const MeasuredRows> measuredRows();

// For a larger kernel of linear, or for a program. Falls back to the cost model; a program that was not measured never pays.
int64_t leastRowsOf(const KernelUnit& unit, std::string_view architecture, std::span<const MeasuredRows> measured = measuredRows());

}  // namespace ingot
