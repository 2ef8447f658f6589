// A kernel unit as C++ for one CPU target, and what running it takes.
#pragma once

#include "compiler/codegen/cpu/compile.h"
#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"

namespace ingot {

SourceUnit cpuSource(const KernelUnit& unit);

// Tiles and scratch; the place in the image is not known yet.
KernelCode cpuKernel(const KernelUnit& unit);

// Sources that run as CPU kernels do, in one image; `kernels` lack only their places in it.
Result<VariantCode> compileVariant(std::span<const SourceUnit> sources, std::vector<KernelCode> kernels, const CpuTarget& target, int jobs,
                                   KernelCache* cache = nullptr);

// All units for one target, compiled on `jobs` threads.
Result<VariantCode> generateCpuVariant(std::span<const KernelUnit> units, const CpuTarget& target, int jobs, KernelCache* cache = nullptr);

}  // namespace ingot
