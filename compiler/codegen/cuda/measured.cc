#include "compiler/codegen/cuda/measured.h"

#include <vector>

#include "kernels/linear/wide.spec.h"

namespace ingot {

static constexpr int64_t kNeverPays = 1 << 30;

std::span<const MeasuredRows> measuredRows() {
  static const std::vector<MeasuredRows> rows = {
#include "compiler/codegen/cuda/measured.inc"
  };
  return rows;
}

int64_t leastRowsOf(const KernelUnit& unit, std::string_view architecture, std::span<const MeasuredRows> measured) {
  for (const MeasuredRows& row : measured)
    if (row.architecture == architecture && row.kernel == unit.name) return row.leastRows;
  if (unit.function == "wide" || unit.function == "wide_runs") return cudaWideLeastRows(unit.shape, unit.channels);
  if (unit.function == "wide_codes")
    return cudaWideCodesLeastRows(unit.shape, unit.format, static_cast<int>(unit.group), unit.channels, unit.sums, unit.resultGroup);
  return unit.function == "program" ? kNeverPays : cudaGemmLeastRows(unit.format, unit.channels);
}

}  // namespace ingot
