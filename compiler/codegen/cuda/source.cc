#include "compiler/codegen/cuda/source.h"

#include "compiler/codegen/cuda/geometry.h"
#include "kernels/linear/linear.spec.h"

namespace ingot {
namespace {

constexpr std::string_view kLayouts = "#include \"kernels/kvcache/layout.h\"\n#include \"kernels/linear/layout.h\"\n";

// Constants become members of a struct, the template argument of a tile, so that several kernels fit one translation unit. The struct is named after
// its kernel because the emulator links all translation units into one image, where template instances must not collide.
std::string structOf(const std::string& name, const KernelUnit& unit) {
  std::string code = fmt::format("struct {} {{\n", name);
  for (const KernelUnit& preceding : unit.preceding) code += structOf(preceding.function == "rows" ? "Norm" : "Rope", preceding);
  std::string_view rest = unit.constants;
  while (!rest.empty()) {
    auto end = rest.find('\n');
    code += fmt::format("  static {}\n", rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return code + unit.body + "};\n";
}
std::string constantsStruct(const KernelUnit& unit) { return structOf(unit.symbol + "_Constants", unit); }

std::string includes(const KernelUnit& unit) {
  return fmt::format("{}#include \"{}.cuh\"\n", unit.body.empty() ? "" : "#include \"kernels/linear/epilogue.cuh\"\n", unit.header);
}
std::string tileOf(const KernelUnit& unit) { return fmt::format("{}::Tile<{}_Constants>", unit.function, unit.symbol); }

// Whether the persistent kernel runs it. Its blocks have kCudaLinearThreads threads; kernels with more are launched after it.
bool isWalked(const KernelUnit& unit) { return unit.alone && cudaKernel(unit).threads <= kCudaLinearThreads; }

}  // namespace

SourceUnit cudaSource(const KernelUnit& unit) {
  std::string source = fmt::format("// {}\n{}{}{}", unit.name, kLayouts, includes(unit), constantsStruct(unit));
  KernelCode code = cudaKernel(unit);
  source += fmt::format("INGOT_{}KERNEL({}, {})\n", code.clusterBlocks > 1 ? "CLUSTER_" : "", unit.symbol, tileOf(unit));
  source += fmt::format("static_assert({}::kThreads == {});\n", tileOf(unit), code.threads);
  if (code.dynamicBytes) source += fmt::format("static_assert({}::kDynamicBytes == {});\n", tileOf(unit), code.dynamicBytes);
  return {unit.symbol, std::move(source)};
}

std::string persistentSource(std::string_view symbol, std::span<const KernelUnit> units, const CudaWalk& walk) {
  std::string source = fmt::format("#define INGOT_WALKS\n{}#include \"kernels/program/walk.cuh\"\n", kLayouts), tiles;
  for (const KernelUnit& unit : units) {
    tiles += ", " + (isWalked(unit) ? tileOf(unit) : "program::Unused");
    if (!isWalked(unit)) continue;
    KernelUnit walked = unit;
    if (unit.channels) walked.constants += fmt::format("constexpr int kWalkBytes = {};\n", walk.weightBytes());
    source += includes(walked) + constantsStruct(walked);
  }
  return source + fmt::format("INGOT_KERNEL({}, program::Walk<{}, {}{}>)\n", symbol, walk.blocks, walk.bytes, tiles);
}

}  // namespace ingot
