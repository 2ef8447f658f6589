#include "compiler/codegen/targets.h"

#include <algorithm>

#include "compiler/codegen/cpu/source.h"
#include "compiler/codegen/cuda/emulated.h"

namespace ingot {
namespace {

Target cpu(const CpuTarget& target, KernelCache* cache) {
  return {target.name, ".cpp", false, cpuSource, [=](auto units, int jobs) { return generateCpuVariant(units, target, jobs, cache); }};
}

Target emulated(const CudaChoices& choices) {
  return {"cuda-emulated", ".simt.cpp", true, emulatedSource, [=](auto units, int jobs) { return generateEmulatedVariant(units, choices, jobs); }};
}

Target cuda(std::string_view architecture, const CudaCompile& compile, const CudaChoices& choices) {
  std::string name(architecture);
  return {"cuda:" + name, ".cu", true, cudaSource, [=](auto units, int jobs) { return generateCudaVariant(units, name, compile, choices, jobs); }};
}

// 90 for sm_90a and compute_90.
int capabilityOf(std::string_view architecture) { return std::atoi(architecture.substr(architecture.find('_') + 1).data()); }

Result<std::vector<Target>> cudaTargets(const std::string& spelling, const TargetOptions& options) {
  std::string_view wanted = spelling == "cuda" ? std::string_view() : std::string_view(spelling).substr(5);
  auto all = cudaArchitectures();
  if (spelling != "cuda" && std::find(all.begin(), all.end(), wanted) == all.end())
    return Status::unsupported("--target={}: the CUDA targets are cuda:{}, or cuda for all of them", spelling, fmt::join(all, ", cuda:"));
  CudaCompile compile = options.cudaCompile;
  std::shared_ptr<const Nvrtc> nvrtc;
  if (!compile) {
    auto opened = Nvrtc::open(options.cudaToolkit);
    if (!opened.ok()) return opened.status().at("--target=" + spelling);
    nvrtc = *opened;
    compile = [nvrtc](const SourceUnit& unit, const std::string& architecture) { return nvrtc->compile(unit.symbol, unit.source, architecture); };
    if (options.kernelCache) compile = cachedCompile(compile, nvrtc->key(), *options.kernelCache);
  }
  std::vector<Target> targets;
  for (std::string_view one : all) {
    bool offered = !nvrtc || std::count(nvrtc->architectures().begin(), nvrtc->architectures().end(), capabilityOf(one));
    if (one == wanted && !offered)
      return Status::unsupported("--target={}: NVRTC {}.{} here compiles for {} alone; install a later CUDA toolkit", spelling,
                                 nvrtc->version() / 1000, nvrtc->version() % 1000 / 10, fmt::join(nvrtc->architectures(), ", "));
    if (offered && (wanted.empty() || one == wanted)) targets.push_back(cuda(one, compile, options.cuda));
  }
  return targets;
}

}  // namespace

Result<std::vector<Target>> parseTarget(const std::string& spelling, const TargetOptions& options) {
  if (spelling == "cuda-emulated") return std::vector{emulated(options.cuda)};
  if (spelling == "cuda" || spelling.rfind("cuda:", 0) == 0) return cudaTargets(spelling, options);
  if (spelling == "cpu" || spelling.rfind("cpu:", 0) == 0) {
    INGOT_ASSIGN(CpuTarget target, CpuTarget::parse(spelling == "cpu" ? "native" : spelling.substr(4)));
    return std::vector{cpu(target, options.kernelCache)};
  }
  return Status::unsupported("--target={}: the targets of this build are {}", spelling, fmt::join(targetNames(), ", "));
}

std::vector<std::string> targetNames() {
  std::vector<std::string> names;
  for (const std::string& name : cpuTargetNames()) names.push_back("cpu:" + name);
  for (std::string_view name : cudaArchitectures()) names.push_back("cuda:" + std::string(name));
  names.insert(names.end(), {"cuda", "cuda-emulated"});
  return names;
}

}  // namespace ingot
