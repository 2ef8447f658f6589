// A kernel unit as CUDA C++: the same text for every GPU, and for the emulator.
#pragma once

#include "compiler/codegen/cpu/compile.h"
#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"

namespace ingot {

SourceUnit cudaSource(const KernelUnit& unit);

// How steps are cut into tiles; sizes of the code are not known yet.
KernelCode cudaKernel(const KernelUnit& unit);

// Kernels for more rows of the same steps, where a format and shape have one (linear.spec.h); they need what sm_80 brought. A leastRows
// that is not 0 stands in for what was measured on that architecture (measured.h): tests run them with few rows.
std::vector<LargerKernel> largerKernels(std::span<const KernelUnit> units, std::string_view architecture, int64_t leastRows);

// The target cuda-emulated: CUDA kernels compiled for this machine's CPU against tests/simt, run as CPU kernels are.
Result<VariantCode> generateEmulatedVariant(std::span<const KernelUnit> units, int64_t leastRows, int jobs);
SourceUnit emulatedSource(const KernelUnit& unit);
Result<CpuTarget> emulatedTarget();

}  // namespace ingot
