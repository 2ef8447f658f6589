// A kernel unit as C++ for one CPU target, and its tiles and scratch.
#pragma once

#include "compiler/codegen/cpu/compile.h"
#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"

namespace ingot {

SourceUnit cpuSource(const KernelUnit& unit);

// Tiles and scratch; the offset in the image is set after linking.
KernelCode cpuKernel(const KernelUnit& unit);

// Compiles sources into one image of CPU code; `kernels` lack only their offsets in it.
Result<VariantCode> compileVariant(std::span<const SourceUnit> sources, std::vector<KernelCode> kernels, const CpuTarget& target, int jobs,
                                   KernelCache* cache = nullptr);

// All units for one target, compiled on `jobs` threads.
Result<VariantCode> generateCpuVariant(std::span<const KernelUnit> units, const CpuTarget& target, int jobs, KernelCache* cache = nullptr);

}  // namespace ingot
