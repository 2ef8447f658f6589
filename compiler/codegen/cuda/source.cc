#include "compiler/codegen/cuda/source.h"

#include "compiler/codegen/cpu/source.h"
#include "compiler/codegen/cuda/measured.h"
#include "kernels/attention/attention.spec.h"
#include "kernels/linear/linear.spec.h"
#include "kernels/sample/sample.spec.h"

namespace ingot {
namespace {

// A stack for every thread, and shared memory with its shadows.
uint64_t emulatedScratchBytes(const KernelUnit& unit) { return (uint64_t{cudaKernel(unit).threads} << 14) + (4 << 20); }

constexpr const char* kGemm = "gemm";

// The constants as members: a struct is a template argument, so that several kernels fit one translation unit.
std::string constantsStruct(const KernelUnit& unit) {
  std::string code = "struct Constants {\n", line;
  std::string_view rest = unit.constants;
  while (!rest.empty()) {
    auto end = rest.find('\n');
    code += fmt::format("  static {}\n", rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return code + unit.body + "};\n";
}

}  // namespace

SourceUnit cudaSource(const KernelUnit& unit) {
  std::string source = fmt::format("// {}\n#include \"kernels/kvcache/layout.h\"\n#include \"kernels/linear/layout.h\"\n", unit.name);
  if (!unit.body.empty()) source += "#include \"kernels/linear/epilogue.cuh\"\n";
  source += constantsStruct(unit);
  source += fmt::format("#include \"{}.cuh\"\nINGOT_KERNEL({}, {}::Tile<Constants>)\n", unit.header, unit.symbol, unit.function);
  source += fmt::format("static_assert({}::Tile<Constants>::kThreads == {});\n", unit.function, cudaKernel(unit).threads);
  return {unit.symbol, std::move(source)};
}

KernelCode cudaKernel(const KernelUnit& unit) {
  KernelCode code;
  code.threads = unit.channels ? kCudaLinearThreads : unit.kvHeads ? kCudaAttentionThreads : unit.function == "sample" ? kCudaSampleThreads : 128;
  if (unit.channels) {
    bool isGemm = unit.function == kGemm;
    int64_t channels = isGemm ? kCudaGemmChannels : int64_t{tilePanels(unit.sums, unit.resultGroup)} * kCudaTileChannels;
    code.tiles = {(unit.channels + channels - 1) / channels, unit.selected ? exec::Extent::rows : exec::Extent::tokens,
                  isGemm ? cudaGemmRows(unit.format) : kCudaTileRows};
  }
  if (unit.kvHeads)
    code.tiles = {attentionTiles(static_cast<int>(unit.kvHeads * unit.groupHeads), static_cast<int>(unit.kvHeads)), exec::Extent::splits, 1};
  return code;
}

std::vector<LargerKernel> largerKernels(std::span<const KernelUnit> units, std::string_view architecture, int64_t leastRows) {
  std::vector<LargerKernel> all;
  for (size_t i = 0; i < units.size(); ++i) {
    KernelUnit unit = units[i];
    if (unit.function != "linear" || !hasCudaGemm(unit.format, unit.columns, static_cast<int>(unit.group), unit.sums, unit.resultGroup)) continue;
    unit.symbol += "_gemm";
    unit.name.replace(0, unit.function.size(), kGemm);
    unit.function = kGemm;
    unit.header = "kernels/linear/gemm";
    KernelCode code = cudaKernel(unit);
    code.leastRows = leastRows ? leastRows : leastRowsOf(unit, architecture);
    all.push_back({i, std::move(unit), code});
  }
  return all;
}

SourceUnit emulatedSource(const KernelUnit& unit) {
  SourceUnit source = cudaSource(unit);
  source.source.insert(0, fmt::format("#define INGOT_SIMT_SCRATCH_BYTES {}ull\n#include \"tests/simt/simt.h\"\n", emulatedScratchBytes(unit)));
  return source;
}

// The lowest level of this machine's architecture: its code does not depend on where it is made.
Result<CpuTarget> emulatedTarget() {
#if defined(__aarch64__)
  INGOT_ASSIGN(CpuTarget target, CpuTarget::parse("aarch64"));
#else
  INGOT_ASSIGN(CpuTarget target, CpuTarget::parse("x86-64-v3"));
#endif
  target.name = "cuda-emulated";
  return target;
}

Result<VariantCode> generateEmulatedVariant(std::span<const KernelUnit> units, int64_t leastRows, int jobs) {
  INGOT_ASSIGN(CpuTarget target, emulatedTarget());
  std::vector<LargerKernel> larger = largerKernels(units, target.name, leastRows);
  std::vector<SourceUnit> sources;
  std::vector<KernelCode> kernels;
  auto add = [&](const KernelUnit& unit, KernelCode code) {
    sources.push_back(emulatedSource(unit));
    code.scratchBytes = emulatedScratchBytes(unit);
    kernels.push_back(code);
  };
  for (const KernelUnit& unit : units) add(unit, cudaKernel(unit));
  for (const LargerKernel& one : larger) add(one.unit, one.code);
  INGOT_ASSIGN(VariantCode variant, compileVariant(sources, std::move(kernels), target, jobs));
  splitLarger(variant, std::move(larger));
  return variant;
}

}  // namespace ingot
