// The targets cuda:sm_* and cuda:compute_*: every kernel of a program compiled by NVRTC, a cubin (or PTX) each.
#pragma once

#include <functional>

#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/codegen/cuda/source.h"

namespace ingot {

// Names without "cuda:", oldest first: GPUs by architecture, then PTX for those that come later.
std::span<const std::string_view> cudaArchitectures();

// Source of one kernel and an architecture to code and log; NVRTC, or what a test puts in its place.
using CudaCompile = std::function<Result<NvrtcOutput>(const SourceUnit& unit, const std::string& architecture)>;

// `compile`, where the cache does not have its code already. `key` names the compiler and what all units share; the cache must outlive
// the function.
CudaCompile cachedCompile(CudaCompile compile, KernelKey key, KernelCache& cache);

// Units compile on `jobs` threads; the same units give the same bytes.
Result<VariantCode> generateCudaVariant(std::span<const KernelUnit> units, const std::string& architecture, const CudaCompile& compile,
                                        const CudaChoices& choices, int jobs);

}  // namespace ingot
