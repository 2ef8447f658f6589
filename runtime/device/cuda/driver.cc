#include "runtime/device/cuda/driver.h"

#include <dlfcn.h>

#include <map>
#include <mutex>

namespace ingot {
namespace {

constexpr std::string_view kInstall = "install the NVIDIA driver (580 or later), or run on the CPU (--device cpu, and a file with code for one)";

struct Advice {
  std::string_view error, text;
};
constexpr Advice kAdvice[] = {
    {"CUDA_ERROR_NO_DEVICE", "no GPU is visible to this process; see CUDA_VISIBLE_DEVICES and nvidia-smi"},
    {"CUDA_ERROR_OUT_OF_MEMORY", "another process may hold the memory; see nvidia-smi"},
    {"CUDA_ERROR_NO_BINARY_FOR_GPU", "compile the model with --target=cuda for this GPU"},
    {"CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the driver is older than the compiler; update it"},
    {"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "the driver and its library differ; restart the machine"},
    {"CUDA_ERROR_ECC_UNCORRECTABLE", "the GPU's memory is damaged; restart the process on another GPU"},
    {"CUDA_ERROR_ILLEGAL_ADDRESS", "a kernel failed; restart the process, and report it"},
    {"CUDA_ERROR_LAUNCH_FAILED", "a kernel failed; restart the process, and report it"},
    {"CUDA_ERROR_DEVICE_UNAVAILABLE", "another process holds the GPU for itself"},
    {"CUDA_ERROR_SYSTEM_NOT_READY", "the system's GPU services (fabric manager) have not started"},
    {"CUDA_ERROR_INVALID_IMAGE", "the driver cannot read this code; update it, or compile the model again"},
    {"CUDA_ERROR_NOT_PERMITTED", "this process may not do that; see its container's rights"},
};
constexpr std::string_view kOtherAdvice = "restart the process; report it if it comes again";

Result<std::unique_ptr<CudaDriver>> load(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return Status::unsupported("there is no CUDA driver here ({}); {}", dlerror(), kInstall);
  auto driver = std::make_unique<CudaDriver>();
#define INGOT_CUDA_FIND(name, arguments)                                         \
  driver->name = reinterpret_cast<decltype(driver->name)>(dlsym(handle, #name)); \
  if (!driver->name) return Status::unsupported("{} has no {}: the CUDA driver is too old; {}", library, #name, kInstall);
  INGOT_CUDA_FUNCTIONS(INGOT_CUDA_FIND)
#undef INGOT_CUDA_FIND
  INGOT_TRY(driver->check(driver->cuInit(0), "cuInit"));
  return driver;
}

}  // namespace

Status CudaDriver::check(int error, std::string_view call) const {
  if (error == kCudaSuccess) return {};
  const char *name = nullptr, *text = nullptr;
  cuGetErrorName(error, &name);
  cuGetErrorString(error, &text);
  std::string message = fmt::format("{}: {} ({})", call, text ? text : "unknown error", name ? std::string(name) : std::to_string(error));
  std::string_view advice = kOtherAdvice;
  for (const Advice& one : kAdvice)
    if (name && one.error == name) advice = one.text;
  message += fmt::format("; {}", advice);
  return {error == kCudaOutOfMemory ? StatusCode::resourceExhausted : StatusCode::unsupported, std::move(message)};
}

Result<const CudaDriver*> openCudaDriver(const std::string& library) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<CudaDriver>> loaded;  // by path; only libraries that opened
  std::lock_guard lock(mutex);
  auto& driver = loaded[library];
  if (!driver) {
    INGOT_ASSIGN(driver, load(library));
  }
  return driver.get();
}

}  // namespace ingot
