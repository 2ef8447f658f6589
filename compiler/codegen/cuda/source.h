// A kernel unit as CUDA C++: the same text for every GPU, and for the emulator.
#pragma once

#include "compiler/codegen/cpu/compile.h"
#include "compiler/codegen/cuda/measured.h"
#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"

namespace ingot {

SourceUnit cudaSource(const KernelUnit& unit);

// How steps are cut into tiles; sizes of the code are not known yet.
KernelCode cudaKernel(const KernelUnit& unit);

// The architecture without larger kernels: it lacks asynchronous copies and most of the tensor cores' formats.
constexpr std::string_view kWithoutLarger = "sm_75";

// What is chosen of CUDA kernels, beside what their cost models say.
struct CudaChoices {
  int64_t largerRows = 0;          // rows from which on larger kernels run; 0: where they pay. Tests run them with few rows
  std::optional<bool> persistent;  // whether a token alone runs as one persistent kernel; empty: where it was measured to pay
  std::string emulated;            // the architecture whose larger kernels the emulator runs; empty: sm_90a
  std::span<const MeasuredRows> measured = measuredRows();
};

// Kernels for more rows of the same steps, where a format and shape have one (linear.spec.h; they need what sm_80 brought), those of prompts
// (attention.spec.h), and the persistent kernel.
ExtraKernels extraKernels(std::span<const KernelUnit> units, const CudaChoices& choices, std::string_view architecture);
// Sources of `units`, then of the extra kernels.
std::vector<SourceUnit> cudaSources(std::span<const KernelUnit> units, const ExtraKernels& extra);
// How each of them runs, in the same order.
std::vector<KernelCode> cudaKernels(std::span<const KernelUnit> units, const ExtraKernels& extra);

// The target cuda-emulated: CUDA kernels compiled for this machine's CPU against tests/simt, run as CPU kernels are.
Result<VariantCode> generateEmulatedVariant(std::span<const KernelUnit> units, const CudaChoices& choices, int jobs);
SourceUnit emulatedSource(const KernelUnit& unit);
Result<CpuTarget> emulatedTarget();

}  // namespace ingot
