#include "compiler/codegen/cpu/source.h"

#include "kernels/attention/attention.spec.h"
#include "kernels/linear/linear.spec.h"

namespace ingot {

SourceUnit cpuSource(const KernelUnit& unit) {
  std::string source =
      fmt::format("// {}\n#include \"kernels/kvcache/layout.h\"\n#include \"kernels/linear/layout.h\"\n{}", unit.name, unit.constants);
  if (!unit.body.empty()) source += "#include \"kernels/linear/epilogue.h\"\n" + unit.body;
  source += fmt::format(
      "#include \"{}.cpu.h\"\n"
      "extern \"C\" void {}(const IngotKernelArgs* args, ingot_i64 first, ingot_i64 last, void* scratch) {{\n"
      "  {}::run(args, first, last{});\n}}\n",
      unit.header, unit.symbol, unit.function, cpuKernel(unit).scratchBytes ? ", scratch" : "");
  return {unit.symbol, std::move(source)};
}

KernelCode cpuKernel(const KernelUnit& unit) {
  KernelCode code;
  if (unit.channels) {
    int64_t channels = int64_t{tilePanels(unit.sums, unit.resultGroup)} * kPanelBlocks * kBlockChannels;
    code.tiles.count = (unit.channels + channels - 1) / channels;
    code.scratchBytes =
        static_cast<uint64_t>(linearScratchBytes(unit.format, unit.columns, static_cast<int>(unit.group), unit.sums, unit.resultGroup));
  }
  if (unit.function == "attention") {
    code.tiles.count = unit.kvHeads;
    code.scratchBytes = static_cast<uint64_t>(attentionScratchBytes(kQueryBlock * static_cast<int>(unit.groupHeads), static_cast<int>(unit.headDim)));
  }
  return code;
}

Result<VariantCode> compileVariant(std::span<const SourceUnit> sources, std::vector<KernelCode> kernels, const CpuTarget& target, int jobs,
                                   KernelCache* cache) {
  INGOT_ASSIGN(CodeImage image, compileUnits(sources, target, jobs, cache));
  for (size_t i = 0; i < sources.size(); ++i) kernels[i].offset = image.offsets.at(sources[i].symbol);
  return VariantCode{target.name, target.features, std::move(image.bytes), 0, std::move(kernels), {}};
}

Result<VariantCode> generateCpuVariant(std::span<const KernelUnit> units, const CpuTarget& target, int jobs, KernelCache* cache) {
  std::vector<SourceUnit> sources;
  std::vector<KernelCode> kernels;
  for (const KernelUnit& unit : units) {
    sources.push_back(cpuSource(unit));
    kernels.push_back(cpuKernel(unit));
  }
  return compileVariant(sources, std::move(kernels), target, jobs, cache);
}

}  // namespace ingot
