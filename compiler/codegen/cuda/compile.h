// The targets cuda:sm_* and cuda:compute_*: NVRTC compiles every kernel of a program to a cubin, or to PTX.
#pragma once

#include <functional>

#include "compiler/codegen/cuda/extra_kernels.h"
#include "compiler/codegen/cuda/nvrtc.h"

namespace ingot {

// Names without "cuda:": architectures, oldest first, then PTX for later GPUs.
std::span<const std::string_view> cudaArchitectures();

// Compiles one kernel for an architecture: NVRTC, or a test's replacement.
using CudaCompile = std::function<Result<NvrtcOutput>(const SourceUnit& unit, const std::string& architecture)>;

// `compile` with a cache in front of it. `key` covers the compiler and all inputs that units share; the cache must outlive the function.
CudaCompile cachedCompile(CudaCompile compile, KernelKey key, KernelCache& cache);

// Compiles on `jobs` threads; the same units give the same bytes.
Result<VariantCode> generateCudaVariant(std::span<const KernelUnit> units, const std::string& architecture, const CudaCompile& compile,
                                        const CudaChoices& choices, int jobs);

}  // namespace ingot
