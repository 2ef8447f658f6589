#include "compiler/codegen/cuda/emulated.h"

#include "compiler/codegen/cpu/source.h"
#include "compiler/codegen/cuda/geometry.h"

namespace ingot {
namespace {

// Scratch bytes of one block: a stack per thread, and shared memory with its shadow copies. A cluster needs this for each of its blocks, and a
// persistent kernel for the kEmulatedBlocks that run concurrently.
uint64_t emulatedScratchBytes(const KernelCode& code) { return (uint64_t{code.threads} << 14) + (4 << 20); }
constexpr uint64_t kEmulatedBlocks = 4;

SourceUnit emulated(SourceUnit unit, const KernelCode& code, std::string_view architecture) {
  std::string front = fmt::format("#define INGOT_SIMT_SCRATCH_BYTES {}ull\n", emulatedScratchBytes(code));
  if (!hasWarpgroups(architecture)) front += "#define INGOT_SIMT_WITHOUT_WARPGROUPS\n";
  unit.source.insert(0, front + "#include \"tests/simt/simt.h\"\n");
  return unit;
}

}  // namespace

SourceUnit emulatedSource(const KernelUnit& unit) { return emulated(cudaSource(unit), cudaKernel(unit), kEmulated); }

Result<CpuTarget> emulatedTarget() {
#if defined(__aarch64__)
  INGOT_ASSIGN(CpuTarget target, CpuTarget::parse("aarch64"));
#else
  INGOT_ASSIGN(CpuTarget target, CpuTarget::parse("x86-64-v3"));
#endif
  target.name = kEmulated;
  target.quick = true;
  return target;
}

Result<VariantCode> generateEmulatedVariant(std::span<const KernelUnit> units, const CudaChoices& choices, int jobs) {
  INGOT_ASSIGN(CpuTarget target, emulatedTarget());
  std::string architecture = choices.emulated.empty() ? target.name : choices.emulated;
  ExtraKernels extra = extraKernels(units, choices, architecture);
  std::vector<SourceUnit> sources = cudaSources(units, extra);
  std::vector<KernelCode> kernels = cudaKernels(units, extra);
  for (size_t i = 0; i < kernels.size(); ++i) {
    sources[i] = emulated(std::move(sources[i]), kernels[i], architecture);
    kernels[i].scratchBytes = emulatedScratchBytes(kernels[i]) * kernels[i].clusterBlocks;
  }
  if (extra.persistent) kernels.back().scratchBytes *= kEmulatedBlocks;
  INGOT_ASSIGN(VariantCode variant, compileVariant(sources, std::move(kernels), target, jobs));
  splitExtra(variant, std::move(extra));
  return variant;
}

}  // namespace ingot
