#include "compiler/codegen/cuda/compile.h"

#include <algorithm>
#include <charconv>

#include "compiler/support/parallel.h"
#include "runtime/base/checked.h"

namespace ingot {
namespace {

constexpr std::string_view kArchitectures[] = {"sm_75",   "sm_80",   "sm_86",   "sm_89",   "sm_90a",    "sm_100a",
                                               "sm_103a", "sm_110a", "sm_120a", "sm_121a", "compute_90"};
// The driver loads a module from the mapped bytes, which must be aligned.
constexpr uint64_t kCodeAlignment = 64;

// A cache entry: version and log length as text, the log, the code.
std::string entryOf(const NvrtcOutput& output) { return fmt::format("{} {}\n{}{}", output.version, output.log.size(), output.log, output.code); }
NvrtcOutput outputOf(const std::string& entry) {
  NvrtcOutput output;
  size_t logBytes = 0, log = entry.find('\n') + 1;
  auto [end, error] = std::from_chars(entry.data(), entry.data() + log, output.version);
  std::from_chars(end + 1, entry.data() + log, logBytes);
  output.log = entry.substr(log, logBytes);
  output.code = entry.substr(log + logBytes);
  return output;
}

// The number before `what` in ptxas's log ("Used 40 registers", "512 bytes smem"), or 0.
uint32_t numberBefore(std::string_view log, std::string_view what) {
  auto end = log.find(what);
  if (end == std::string_view::npos) return 0;
  auto begin = end;
  while (begin > 0 && log[begin - 1] >= '0' && log[begin - 1] <= '9') --begin;
  uint32_t number = 0;
  std::from_chars(log.data() + begin, log.data() + end, number);
  return number;
}

}  // namespace

std::span<const std::string_view> cudaArchitectures() { return kArchitectures; }

CudaCompile cachedCompile(CudaCompile compile, KernelKey key, KernelCache& cache) {
  return [compile = std::move(compile), key, &cache](const SourceUnit& unit, const std::string& architecture) -> Result<NvrtcOutput> {
    Sha256 name = KernelKey(key).add(architecture).add(unit.symbol).add(unit.source).finish();
    if (auto entry = cache.find(name)) return outputOf(*entry);
    INGOT_ASSIGN(NvrtcOutput output, compile(unit, architecture));
    cache.keep(name, entryOf(output));
    return output;
  };
}

Result<VariantCode> generateCudaVariant(std::span<const KernelUnit> units, const std::string& architecture, const CudaCompile& compile,
                                        const CudaChoices& choices, int jobs) {
  ExtraKernels extra = extraKernels(units, choices, architecture);
  std::vector<SourceUnit> sources = cudaSources(units, extra);
  std::vector<KernelCode> kernels = cudaKernels(units, extra);
  std::vector<NvrtcOutput> outputs(sources.size());
  INGOT_TRY(parallelFor(sources.size(), jobs, [&](size_t i) -> Status {
    INGOT_ASSIGN(outputs[i], compile(sources[i], architecture));
    return {};
  }));
  VariantCode variant{"cuda:" + architecture, {}, {}, 0, {}, {}};
  if (!outputs.empty()) variant.cudaVersion = outputs[0].version;
  for (size_t i = 0; i < sources.size(); ++i) {
    const NvrtcOutput& output = outputs[i];
    KernelCode code = kernels[i];
    code.offset = variant.bytes.size();
    code.bytes = output.code.size();
    code.registers = numberBefore(output.log, " registers");
    code.sharedBytes = numberBefore(output.log, " bytes smem");
    code.spillBytes = std::max(numberBefore(output.log, " bytes stack frame"), numberBefore(output.log, " bytes spill stores"));
    const auto* bytes = reinterpret_cast<const std::byte*>(output.code.data());
    variant.bytes.insert(variant.bytes.end(), bytes, bytes + output.code.size());
    variant.bytes.resize(roundUp(variant.bytes.size(), kCodeAlignment));
    variant.kernels.push_back(code);
  }
  splitExtra(variant, std::move(extra));
  return variant;
}

}  // namespace ingot
