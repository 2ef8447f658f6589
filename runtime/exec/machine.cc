#include "runtime/exec/machine.h"

#include <charconv>

#include "runtime/device/cpu/topology.h"

namespace ingot {
namespace {

constexpr std::string_view kEmulated = "cuda-emulated", kCuda = "cuda:";

std::vector<std::string> featuresOf(const plan::Variant& variant) {
  std::vector<std::string> features;
  if (variant.features())
    for (const auto* feature : *variant.features()) features.push_back(feature->str());
  return features;
}

bool isForThisArchitecture(std::string_view target) {
  if (target == kEmulated) return true;
#if defined(__x86_64__)
  return target.starts_with("cpu:x86-64");
#elif defined(__aarch64__)
  return target.starts_with("cpu:aarch64");
#else
  return false;
#endif
}

// More features are better; the emulator is the last resort.
int cpuFit(const plan::Variant& variant) {
  auto features = featuresOf(variant);
  if (!isForThisArchitecture(variant.target()->string_view()) || !missingCpuFeature(features).empty()) return 0;
  return variant.target()->string_view() == kEmulated ? 1 : 2 + static_cast<int>(features.size());
}

std::string describe(const plan::Plan& plan) {
  std::string text;
  for (const auto* variant : *plan.variants()) {
    std::string missing = missingCpuFeature(featuresOf(*variant));
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", variant->target()->string_view(), missing.empty() ? "" : " (needs " + missing + ")");
  }
  return text;
}

template <class Fit>
const plan::Variant* bestOf(const plan::Plan& plan, Fit fit) {
  const plan::Variant* best = nullptr;
  int most = 0;
  for (const auto* variant : *plan.variants())
    if (int one = fit(*variant); one > most) {
      best = variant;
      most = one;
    }
  return best;
}

Result<Choice> chooseCpu(const Artifact& artifact) {
  const plan::Variant* best = bestOf(artifact.plan(), cpuFit);
  if (best) return Choice{.variant = best};
  return Status::unsupported("has code for {}, none of which this machine's CPU runs; compile with --target=cpu:native here, or a lower level",
                             describe(artifact.plan()));
}

// "cuda" or "cuda:i"; the number, or nothing when it is neither.
std::optional<int> ordinalOf(std::string_view device) {
  if (device == "cuda") return 0;
  int ordinal = 0;
  auto digits = device.substr(std::min(kCuda.size(), device.size()));
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  if (!device.starts_with(kCuda) || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return ordinal;
}

// Cubins need a driver of their compiler's major version or later.
Status checkDriver(const plan::Variant& variant, const CudaDeviceInfo& gpu) {
  auto needed = static_cast<int>(variant.cuda_version());
  if (gpu.driverVersion / 1000 >= needed / 1000) return {};
  return Status::unsupported("the driver speaks CUDA {}.{}, the code for {} needs {}.{}; update the NVIDIA driver", gpu.driverVersion / 1000,
                             gpu.driverVersion % 1000 / 10, variant.target()->string_view(), needed / 1000, needed % 1000 / 10);
}

// The ingotc target with code for this GPU: its own architecture if there is one, else all, which include older ones and PTX.
std::string adviceFor(const CudaDeviceInfo& gpu) {
  constexpr std::string_view kTargets[] = {"sm_75", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_103a", "sm_110a", "sm_120a", "sm_121a"};
  std::string own = fmt::format("sm_{}{}{}", gpu.major, gpu.minor, gpu.major >= 9 ? "a" : "");
  if (std::find(std::begin(kTargets), std::end(kTargets), own) != std::end(kTargets))
    return fmt::format("compile with --target=cuda:{}, or --target=cuda for all GPUs", own);
  bool isOlder = gpu.major * 10 + gpu.minor < 75;
  return isOlder ? "GPUs before sm_75 are not supported; use --device cpu" : "compile with --target=cuda, whose code for older GPUs or PTX it runs";
}

Result<Choice> chooseCuda(const Artifact& artifact, const DeviceRequest& request, int ordinal) {
  INGOT_ASSIGN(const CudaDriver* driver, openCudaDriver(request.cudaLibrary));
  INGOT_ASSIGN(std::vector<CudaDeviceInfo> gpus, listCudaDevices(*driver));
  if (ordinal < 0 || ordinal >= static_cast<int>(gpus.size()))
    return Status::unsupported("there are {} GPUs here, numbered from 0; see nvidia-smi", gpus.size());
  const CudaDeviceInfo& gpu = gpus[static_cast<size_t>(ordinal)];
  const plan::Variant* best = bestOf(artifact.plan(), [&](const plan::Variant& variant) {
    std::string_view target = variant.target()->string_view();
    return target.starts_with(kCuda) ? cudaFit(target.substr(kCuda.size()), gpu.major, gpu.minor) : 0;
  });
  if (!best)
    return Status::unsupported("has code for {}, and this GPU is {} (sm_{}{}); {}", describe(artifact.plan()), gpu.name, gpu.major, gpu.minor,
                               adviceFor(gpu));
  INGOT_TRY(checkDriver(*best, gpu));
  return Choice{.variant = best, .gpu = gpu, .driver = driver, .patience = request.patience};
}

bool hasCuda(const plan::Plan& plan) {
  for (const auto* variant : *plan.variants())
    if (variant->target()->string_view().starts_with(kCuda)) return true;
  return false;
}

}  // namespace

int cudaFit(std::string_view target, int major, int minor) {
  bool isPtx = target.starts_with("compute_");
  auto digits = target.substr(target.find('_') + 1);
  int number = 0;
  auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  int own = number / 10, from = number % 10;
  if (isPtx) return major * 10 + minor >= number ? 1 + number : 0;
  if (end != digits.data() + digits.size()) return own == major && from == minor ? 4000 : 0;
  return own == major && from <= minor ? 2000 + number : 0;
}

Result<Choice> chooseVariant(const Artifact& artifact, const DeviceRequest& request) {
  auto choose = [&]() -> Result<Choice> {
    if (request.device == "cpu") return chooseCpu(artifact);
    if (request.device == "auto") {
      if (!hasCuda(artifact.plan())) return chooseCpu(artifact);
      auto gpu = chooseCuda(artifact, request, 0);
      if (gpu.ok()) return gpu;
      auto cpu = chooseCpu(artifact);
      if (!cpu.ok()) return gpu;  // its error says more
      cpu->warning = fmt::format("the file has code for GPUs, and runs on the CPU: {}", gpu.status().message());
      return cpu;
    }
    if (auto ordinal = ordinalOf(request.device)) {
      auto gpu = chooseCuda(artifact, request, *ordinal);
      return gpu.ok() ? gpu : Result<Choice>(gpu.status().at("device " + request.device));
    }
    return Status::invalidArgument("device {}: expected auto, cpu, cuda or cuda:i", request.device);
  };
  auto choice = choose();
  return choice.ok() ? choice : Result<Choice>(choice.status().at(artifact.path().string()));
}

}  // namespace ingot
