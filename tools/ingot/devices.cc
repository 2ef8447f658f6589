// ingot devices: what models can run on here.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/device/cpu/topology.h"
#include "runtime/exec/machine.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"

namespace ingot::cli {
namespace {

using Json = nlohmann::json;

Json describe(const CudaDriver& driver, const CudaDeviceInfo& gpu) {
  Json json = {{"device", fmt::format("cuda:{}", gpu.ordinal)},
               {"name", gpu.name},
               {"compute_capability", fmt::format("{}.{}", gpu.major, gpu.minor)},
               {"multiprocessors", gpu.multiprocessors},
               {"cuda_version", fmt::format("{}.{}", gpu.driverVersion / 1000, gpu.driverVersion % 1000 / 10)}};
  auto device = CudaDevice::open(driver, gpu);
  auto memory = device.ok() ? (*device)->memorySize() : Result<CudaDevice::MemorySize>(device.status());
  if (memory.ok()) json.update({{"memory_bytes", memory->total}, {"memory_free_bytes", memory->free}});
  else json["error"] = memory.status().message();
  return json;
}

Result<Json> listGpus() {
  INGOT_ASSIGN(const CudaDriver* driver, openCudaDriver(kCudaLibrary));
  INGOT_ASSIGN(std::vector<CudaDeviceInfo> gpus, listCudaDevices(*driver));
  Json list = Json::array();
  for (const CudaDeviceInfo& gpu : gpus) list.push_back(describe(*driver, gpu));
  return list;
}

void print(const Json& gpu) {
  auto textOf = [&](const char* key) { return gpu[key].get<std::string>(); };
  fmt::print("{:<8} {}, compute capability {}, {} multiprocessors, CUDA {}", textOf("device"), textOf("name"), textOf("compute_capability"),
             gpu["multiprocessors"].get<int>(), textOf("cuda_version"));
  constexpr double kGiB = 1 << 30;
  if (gpu.contains("error")) fmt::print(": {}\n", textOf("error"));
  else fmt::print(", {:.1f} of {:.1f} GiB free\n", gpu["memory_free_bytes"].get<double>() / kGiB, gpu["memory_bytes"].get<double>() / kGiB);
}

int devices(bool json) {
  auto gpus = listGpus();
  if (json) {
    Json all = {{"cpu", {{"cores", usableCores()}}}, {"gpus", gpus.ok() ? *gpus : Json::array()}};
    if (!gpus.ok()) all["no_gpus"] = gpus.status().message();
    fmt::print("{}\n", all.dump());
    return kDone;
  }
  fmt::print("{:<8} {} cores\n", "cpu", usableCores());
  if (!gpus.ok()) fmt::print("{:<8} none: {}\n", "cuda", gpus.status().message());
  else
    for (const Json& gpu : *gpus) print(gpu);
  return kDone;
}

}  // namespace

Command devicesCommand(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("devices", "List what models can run on here.");
  command->add_flag("--json", *json, "one JSON object");
  return {command, [json] { return devices(*json); }};
}

}  // namespace ingot::cli
