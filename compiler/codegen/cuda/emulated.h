// The target cuda-emulated: CUDA kernels compiled for this machine's CPU against tests/simt, and run as CPU kernels are.
#pragma once

#include "compiler/codegen/cuda/extra_kernels.h"

namespace ingot {

Result<VariantCode> generateEmulatedVariant(std::span<const KernelUnit> units, const CudaChoices& choices, int jobs);
SourceUnit emulatedSource(const KernelUnit& unit);
// The lowest level of this machine's architecture: the code does not depend on the machine that compiles it.
Result<CpuTarget> emulatedTarget();

}  // namespace ingot
