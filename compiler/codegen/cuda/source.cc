#include "compiler/codegen/cuda/source.h"

#include "compiler/codegen/cpu/source.h"
#include "compiler/codegen/cuda/measured.h"
#include "kernels/attention/attention.spec.h"
#include "kernels/embedding/embedding.spec.h"
#include "kernels/linear/wide.spec.h"
#include "kernels/program/walk.spec.h"
#include "kernels/rope/rope_append.spec.h"
#include "kernels/rows/rows.spec.h"
#include "kernels/sample/sample.spec.h"

namespace ingot {
namespace {

constexpr const char *kGemm = "gemm", *kWide = "wide", *kWideRuns = "wide_runs", *kWideCodes = "wide_codes", *kPrompt = "prompt";
constexpr const char *kProgram = "ingot_program", *kEmulated = "cuda-emulated";

// Of a block: a stack for every thread, and shared memory with its shadows. A cluster has several, and a persistent kernel.
uint64_t emulatedScratchBytes(const KernelCode& code) { return (uint64_t{code.threads} << 14) + (4 << 20); }
constexpr uint64_t kEmulatedBlocks = 4;

// The constants as members: a struct is a template argument, so that several kernels fit one translation unit. Its name is the
// kernel's own: the emulator's units are linked, and what templates make of them has names too.
std::string structOf(const std::string& name, const KernelUnit& unit) {
  std::string code = fmt::format("struct {} {{\n", name);
  for (const KernelUnit& before : unit.before) code += structOf(before.function == "rows" ? "Norm" : "Rope", before);
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

constexpr std::string_view kLayouts = "#include \"kernels/kvcache/layout.h\"\n#include \"kernels/linear/layout.h\"\n";

// Blocks of a persistent kernel have as many threads as most kernels need; those of more are launched behind it.
bool isWalked(const KernelUnit& unit) { return unit.alone && cudaKernel(unit).threads <= kCudaLinearThreads; }

std::string persistentSource(std::span<const KernelUnit> units, const CudaWalk& walk) {
  std::string source = fmt::format("#define INGOT_WALKS\n{}#include \"kernels/program/walk.cuh\"\n", kLayouts), tiles;
  for (const KernelUnit& unit : units) {
    tiles += ", " + (isWalked(unit) ? tileOf(unit) : "program::Unused");
    if (!isWalked(unit)) continue;
    KernelUnit walked = unit;
    if (unit.channels) walked.constants += fmt::format("constexpr int kWalkBytes = {};\n", walk.weightBytes());
    source += includes(walked) + constantsStruct(walked);
  }
  return source + fmt::format("INGOT_KERNEL({}, program::Walk<{}, {}{}>)\n", kProgram, walk.blocks, walk.bytes, tiles);
}

// Of shared memory. What comes later may have as little as the least of those that are not older.
int multiprocessorBytes(std::string_view architecture) {
  if (architecture == kWithoutLarger) return 64 << 10;
  if (architecture == "sm_80") return 164 << 10;
  return architecture.starts_with("sm_8") || architecture.starts_with("sm_12") || architecture.starts_with("compute") ? 100 << 10 : 228 << 10;
}

// Named after its largest matrix: program.f16.n128256.k4096.
KernelUnit programUnit(std::span<const KernelUnit> units) {
  auto isSmaller = [](const KernelUnit& a, const KernelUnit& b) { return a.channels * a.columns < b.channels * b.columns; };
  std::string_view largest = std::max_element(units.begin(), units.end(), isSmaller)->name;
  KernelUnit unit;
  unit.symbol = kProgram;
  unit.function = "program";
  unit.name = unit.function + std::string(largest.substr(largest.find('.')));
  return unit;
}

PersistentKernel persistentKernel(std::span<const KernelUnit> units, std::string_view architecture) {
  int headDim = 0;
  for (const KernelUnit& unit : units) headDim = std::max(headDim, static_cast<int>(unit.headDim));
  CudaWalk walk = cudaWalk(multiprocessorBytes(architecture), headDim);
  return {programUnit(units), persistentSource(units, walk), {.threads = kCudaLinearThreads, .dynamicBytes = static_cast<uint32_t>(walk.bytes)}};
}

bool hasWarpgroups(std::string_view architecture) { return architecture == "sm_90a" || architecture == kEmulated; }

SourceUnit emulated(SourceUnit unit, const KernelCode& code, std::string_view architecture) {
  std::string front = fmt::format("#define INGOT_SIMT_SCRATCH_BYTES {}ull\n", emulatedScratchBytes(code));
  if (!hasWarpgroups(architecture)) front += "#define INGOT_SIMT_WITHOUT_WARPGROUPS\n";
  unit.source.insert(0, front + "#include \"tests/simt/simt.h\"\n");
  return unit;
}

}  // namespace

SourceUnit cudaSource(const KernelUnit& unit) {
  std::string source = fmt::format("// {}\n{}{}{}", unit.name, kLayouts, includes(unit), constantsStruct(unit));
  KernelCode code = cudaKernel(unit);
  source += fmt::format("INGOT_{}KERNEL({}, {})\n", code.clusterBlocks > 1 ? "CLUSTER_" : "", unit.symbol, tileOf(unit));
  source += fmt::format("static_assert({}::kThreads == {});\n", tileOf(unit), code.threads);
  if (code.dynamicBytes) source += fmt::format("static_assert({}::kDynamicBytes == {});\n", tileOf(unit), code.dynamicBytes);
  return {unit.symbol, std::move(source)};
}

KernelCode cudaKernel(const KernelUnit& unit) {
  KernelCode code;
  if (unit.function == "rows") code.threads = cudaRowsThreads(unit.columns);
  if (unit.function == "sample") {
    code.threads = kCudaSampleThreads;
    code.tiles.count = code.clusterBlocks = static_cast<uint32_t>(cudaSampleBlocks(unit.columns));
  }
  if (unit.function == "embedding") {
    code.threads = kCudaEmbeddingThreads;
    code.tiles.count = cudaEmbeddingTiles(unit.columns);
  }
  if (unit.function == "rope_append") {
    code.threads = kCudaRopeThreads;
    code.tiles.count = cudaRopeTiles(static_cast<int>(unit.kvHeads * unit.groupHeads), static_cast<int>(unit.kvHeads));
  }
  if (unit.channels) {
    code.threads = kCudaLinearThreads;
    int64_t blocks = int64_t{tilePanels(unit.sums, unit.resultGroup)} * cudaTileBlocks(unit.format, unit.channels, unit.sums, unit.resultGroup);
    int64_t channels = blocks * kBlockChannels, rows = cudaTileRows(unit.format);
    if (unit.function == kGemm) channels = kCudaGemmChannels, rows = cudaGemmRows(unit.format);
    code.tiles = {(unit.channels + channels - 1) / channels, unit.selected ? exec::Extent::rows : exec::Extent::tokens, rows};
    if (unit.function == kWide || unit.function == kWideRuns) {
      const CudaWide& shape = kCudaWide[unit.shape];
      code.tiles.count = shape.tilesAcross(unit.channels) * shape.along, code.tiles.rowsPerTile = shape.shorter();
      code.threads = static_cast<uint32_t>(shape.threads()), code.clusterBlocks = static_cast<uint32_t>(shape.blocks());
      code.dynamicBytes = static_cast<uint32_t>(shape.bytes()), code.gridMultiple = shape.along > 1 ? 0 : code.clusterBlocks;
      code.map = {static_cast<uint32_t>(unit.columns), static_cast<uint32_t>(shape.box()), 2, static_cast<uint32_t>(2 * unit.columns)};
    }
    if (unit.function == kWideCodes) {
      int group = static_cast<int>(unit.group);
      CudaWide shape = cudaWideCodes(unit.shape, unit.format, group);
      code.tiles.count = shape.tilesAcross(unit.channels), code.tiles.rowsPerTile = shape.rows;
      code.threads = static_cast<uint32_t>(shape.threads());
      code.dynamicBytes = static_cast<uint32_t>(cudaWideCodesBytes(unit.shape, unit.format, group));
      code.map = {static_cast<uint32_t>(unit.columns), static_cast<uint32_t>(shape.box()), 1,
                  static_cast<uint32_t>(quantizedRowBytes(unit.columns, group, rowCodeOf(unit.format)))};
    }
  }
  if (unit.function == "attention") {
    code.threads = kCudaAttentionThreads;
    code.tiles = {attentionTiles(static_cast<int>(unit.kvHeads * unit.groupHeads), static_cast<int>(unit.kvHeads)), exec::Extent::splits, 1};
  }
  if (unit.function == kPrompt) {
    code.threads = kCudaPromptThreads;
    code.dynamicBytes = static_cast<uint32_t>(cudaPromptBytes(static_cast<int>(unit.headDim)));
    code.tiles = {unit.kvHeads * attentionGroupParts(static_cast<int>(unit.groupHeads)), exec::Extent::blocks,
                  cudaPromptBlocks(static_cast<int>(unit.groupHeads))};
  }
  return code;
}

// Kernels for many rows of a linear's unit, from few rows to many. The emulator runs what sm_90a does.
struct LargerShape {
  const char* function;
  int shape;
};
static std::vector<LargerShape> largerShapes(const KernelUnit& unit, std::string_view architecture) {
  std::vector<LargerShape> all;
  int group = static_cast<int>(unit.group);
  if (hasWarpgroups(architecture)) {
    for (int shape = 0; shape < kCudaWideShapes && hasCudaWide(unit.format, unit.columns, unit.narrow, unit.resultGroup); ++shape)
      if (hasCudaWideShape(shape, unit.channels)) all.push_back({kCudaWide[shape].along > 1 ? kWideRuns : kWide, shape});
    for (int shape = 0; shape < kCudaWideCodesShapes; ++shape)
      if (hasCudaWideCodes(shape, unit.format, group, unit.channels, unit.sums, unit.resultGroup)) all.push_back({kWideCodes, shape});
  }
  if (all.empty() && hasCudaGemm(unit.format, unit.columns, group, unit.sums, unit.resultGroup)) all.push_back({kGemm, 0});
  return all;
}

static LargerKernel largerKernel(size_t of, KernelUnit unit, LargerShape larger) {
  unit.symbol += fmt::format("_{}{}", larger.function, larger.shape ? std::to_string(larger.shape) : "");
  unit.name.replace(0, unit.function.size(), larger.function);
  unit.function = larger.function;
  unit.header = fmt::format("kernels/linear/{}", larger.function);
  unit.shape = larger.shape;
  KernelCode code = cudaKernel(unit);
  if (code.map.rows) {
    unit.name += fmt::format(".r{}", unit.function == kWideCodes ? code.tiles.rowsPerTile : kCudaWide[larger.shape].rows);
    unit.constants += fmt::format("constexpr int kShape = {};\n", larger.shape);
  }
  return {of, std::move(unit), code};
}

// Given rows are where the first of a step's kernels begins; the others follow, one row apart. A kernel that begins no earlier than the
// next one, as it may be measured, would never run.
static std::vector<LargerKernel> largerKernels(std::span<const KernelUnit> units, std::string_view architecture, const CudaChoices& choices) {
  std::vector<LargerKernel> all;
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].function != "linear" || !units[i].before.empty()) continue;
    int64_t next = choices.largerRows;
    for (LargerShape larger : largerShapes(units[i], architecture)) {
      LargerKernel one = largerKernel(i, units[i], larger);
      one.code.leastRows = choices.largerRows ? next++ : leastRowsOf(one.unit, architecture, choices.measured);
      while (!all.empty() && all.back().of == i && all.back().code.leastRows >= one.code.leastRows) all.pop_back();
      all.push_back(std::move(one));
    }
  }
  return all;
}

// Attention of many tokens: what its kernel there leaves alone (attention.cuh).
static void addPromptKernels(std::span<const KernelUnit> units, std::vector<LargerKernel>& all) {
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].function != "attention" || !units[i].before.empty() || !hasCudaPrompt(units[i].halves, static_cast<int>(units[i].headDim))) continue;
    KernelUnit unit = units[i];
    unit.symbol += fmt::format("_{}", kPrompt);
    unit.name.replace(0, unit.function.size(), kPrompt);
    unit.function = kPrompt;
    unit.header = fmt::format("kernels/attention/{}", kPrompt);
    KernelCode code = cudaKernel(unit);
    all.push_back({i, std::move(unit), code, true});
  }
}

ExtraKernels extraKernels(std::span<const KernelUnit> units, const CudaChoices& choices, std::string_view architecture) {
  ExtraKernels extra;
  if (architecture != kWithoutLarger) extra.larger = largerKernels(units, architecture, choices);
  if (hasWarpgroups(architecture)) addPromptKernels(units, extra.larger);
  bool pays = leastRowsOf(programUnit(units), architecture, choices.measured) == 1;
  if (choices.persistent.value_or(pays)) extra.persistent = persistentKernel(units, architecture);
  return extra;
}

std::vector<SourceUnit> cudaSources(std::span<const KernelUnit> units, const ExtraKernels& extra) {
  std::vector<SourceUnit> sources;
  for (const KernelUnit& unit : units) sources.push_back(cudaSource(unit));
  for (const LargerKernel& one : extra.larger) sources.push_back(cudaSource(one.unit));
  if (extra.persistent) sources.push_back({extra.persistent->unit.symbol, extra.persistent->source});
  return sources;
}

std::vector<KernelCode> cudaKernels(std::span<const KernelUnit> units, const ExtraKernels& extra) {
  std::vector<KernelCode> kernels;
  for (const KernelUnit& unit : units) kernels.push_back(cudaKernel(unit));
  for (const LargerKernel& one : extra.larger) kernels.push_back(one.code);
  if (extra.persistent) kernels.push_back(extra.persistent->code);
  return kernels;
}

SourceUnit emulatedSource(const KernelUnit& unit) { return emulated(cudaSource(unit), cudaKernel(unit), kEmulated); }

// The lowest level of this machine's architecture: its code does not depend on where it is made.
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
