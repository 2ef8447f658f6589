// The CUDA kernels of a program beyond one per step, and the sources and geometry of all of them in one order.
#pragma once

#include <optional>

#include "compiler/codegen/cuda/measured.h"
#include "compiler/codegen/cuda/source.h"
#include "compiler/codegen/variant.h"

namespace ingot {

// The architecture without larger kernels: it lacks asynchronous copies and most of the tensor cores' formats.
constexpr std::string_view kWithoutLarger = "sm_75";
// The target cuda-emulated, as an architecture: it has the kernels of sm_90a.
constexpr std::string_view kEmulated = "cuda-emulated";
bool hasWarpgroups(std::string_view architecture);

// Overrides of what the cost models choose.
struct CudaChoices {
  int64_t largerRows = 0;          // smallest row count for which larger kernels run; 0: where they pay. Tests lower it
  std::optional<bool> persistent;  // whether a single-token batch runs as one persistent kernel; empty: where measurements say that it pays
  std::string emulated;            // the architecture whose larger kernels the emulator runs; empty: sm_90a
  std::span<const MeasuredRows> measured = measuredRows();
};

// Larger kernels for the same steps, where a format and shape have one (linear.spec.h, wide.spec.h; they need sm_80), kernels for prompts
// (attention.spec.h), and the persistent kernel.
ExtraKernels extraKernels(std::span<const KernelUnit> units, const CudaChoices& choices, std::string_view architecture);
// Sources of `units`, then of the extra kernels: larger ones in order, then the persistent kernel.
std::vector<SourceUnit> cudaSources(std::span<const KernelUnit> units, const ExtraKernels& extra);
// The geometry of each, in the same order.
std::vector<KernelCode> cudaKernels(std::span<const KernelUnit> units, const ExtraKernels& extra);

}  // namespace ingot
