#include "compiler/codegen/cuda/extra_kernels.h"

#include <algorithm>

#include "compiler/codegen/cuda/geometry.h"
#include "kernels/attention/attention.spec.h"
#include "kernels/linear/wide.spec.h"
#include "kernels/program/walk.spec.h"

namespace ingot {
namespace {

constexpr const char *kGemm = "gemm", *kWide = "wide", *kWideRuns = "wide_runs", *kWideCodes = "wide_codes", *kPrompt = "prompt";

// A kernel for many rows of a linear unit.
struct LargerShape {
  const char* function;
  int shape;
};
// From few rows to many.
std::vector<LargerShape> largerShapes(const KernelUnit& unit, std::string_view architecture) {
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

LargerKernel largerKernel(size_t of, KernelUnit unit, LargerShape larger) {
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

// With `largerRows` the first kernel of a step starts there and each following one a row later. Otherwise measurements or the cost model say where;
// a kernel that would not start before the next one never runs, and is left out.
std::vector<LargerKernel> largerKernels(std::span<const KernelUnit> units, std::string_view architecture, const CudaChoices& choices) {
  std::vector<LargerKernel> all;
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].function != "linear" || !units[i].preceding.empty()) continue;
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

// In batches of many tokens these compute the query blocks of prompts, which attention.cuh then skips.
void addPromptKernels(std::span<const KernelUnit> units, std::vector<LargerKernel>& all) {
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].function != "attention" || !units[i].preceding.empty() || !hasCudaPrompt(units[i].halves, static_cast<int>(units[i].headDim)))
      continue;
    KernelUnit unit = units[i];
    unit.symbol += fmt::format("_{}", kPrompt);
    unit.name.replace(0, unit.function.size(), kPrompt);
    unit.function = kPrompt;
    unit.header = fmt::format("kernels/attention/{}", kPrompt);
    KernelCode code = cudaKernel(unit);
    all.push_back({i, std::move(unit), code, true});
  }
}

// Shared memory of a multiprocessor. PTX gets the least of all GPUs that may run it: of its own architecture and of later ones.
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
  unit.symbol = "ingot_program";
  unit.function = "program";
  unit.name = unit.function + std::string(largest.substr(largest.find('.')));
  return unit;
}

PersistentKernel persistentKernel(std::span<const KernelUnit> units, std::string_view architecture) {
  int headDim = 0;
  for (const KernelUnit& unit : units) headDim = std::max(headDim, static_cast<int>(unit.headDim));
  CudaWalk walk = cudaWalk(multiprocessorBytes(architecture), headDim);
  KernelUnit program = programUnit(units);
  std::string source = persistentSource(program.symbol, units, walk);
  return {std::move(program), std::move(source), {.threads = kCudaLinearThreads, .dynamicBytes = static_cast<uint32_t>(walk.bytes)}};
}

}  // namespace

bool hasWarpgroups(std::string_view architecture) { return architecture == "sm_90a" || architecture == kEmulated; }

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

}  // namespace ingot
