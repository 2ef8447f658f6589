#include "tests/support/cuda_stub/cuda_stub.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "runtime/device/cuda/driver.h"
#include "tests/support/cuda_stub/calls.h"

struct ingot::CudaContextTag {};

using namespace ingot;
using namespace ingot::test;

namespace ingot::test {

CudaStub& cudaStub() {
  static CudaStub stub;
  return stub;
}

int CudaStub::enter(const std::string& call) {
  if (before) before(call);
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  calls.push_back(call);
  return static_cast<int64_t>(calls.size()) - 1 == failAt ? failWith : kCudaSuccess;
}

void CudaStub::reset() {
  *this = CudaStub();
  forgetWork();
  emulator.reset();
}

void CudaStub::runWith(const std::string& artifact) {
  auto opened = Emulator::open(artifact);
  if (!opened.ok()) return report(opened.status().message());
  emulator = std::move(opened).value();
}

}  // namespace ingot::test

// Settings for programs that do not include the stub: INGOT_STUB_ARTIFACT (a path), INGOT_STUB_GPU (compute capability, as 9.0), and
// INGOT_STUB_MEMORY (bytes).
INGOT_EXPORT int cuInit(unsigned) {
  if (const char* path = std::getenv("INGOT_STUB_ARTIFACT"); path && !emulator) cudaStub().runWith(path);
  if (const char* gpu = std::getenv("INGOT_STUB_GPU")) {
    cudaStub().major = std::atoi(gpu);
    if (const char* dot = std::strchr(gpu, '.')) cudaStub().minor = std::atoi(dot + 1);
  }
  if (const char* bytes = std::getenv("INGOT_STUB_MEMORY")) cudaStub().memoryBytes = std::strtoull(bytes, nullptr, 10);
  return enter("cuInit");
}
INGOT_EXPORT int cuDriverGetVersion(int* version) {
  *version = cudaStub().driverVersion;
  return enter("cuDriverGetVersion");
}
INGOT_EXPORT int cuDeviceGetCount(int* count) {
  *count = cudaStub().gpus;
  return enter("cuDeviceGetCount");
}
INGOT_EXPORT int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  int error = enter("cuDeviceGet");
  return ordinal < cudaStub().gpus ? error : kNoDevice;
}
INGOT_EXPORT int cuDeviceGetName(char* name, int length, int) {
  std::snprintf(name, static_cast<size_t>(length), "%s", cudaStub().name.c_str());
  return enter("cuDeviceGetName");
}
INGOT_EXPORT int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == kCudaComputeCapabilityMajor                           ? cudaStub().major
           : attribute == kCudaComputeCapabilityMinor                         ? cudaStub().minor
           : attribute == kCudaIntegrated || attribute == kCudaHostPageTables ? cudaStub().sharesMemory
                                                                              : kMultiprocessors;
  return enter("cuDeviceGetAttribute");
}
INGOT_EXPORT int cuDevicePrimaryCtxRetain(CudaContextTag** context, int) {
  static CudaContextTag primary;
  if (int error = enter("cuDevicePrimaryCtxRetain")) return error;
  *context = &primary;
  count(1);
  return kCudaSuccess;
}
INGOT_EXPORT int cuDevicePrimaryCtxRelease_v2(int) {
  count(-1);
  return enter("cuDevicePrimaryCtxRelease");
}
INGOT_EXPORT int cuCtxSetCurrent(CudaContextTag*) { return enter("cuCtxSetCurrent"); }
INGOT_EXPORT int cuGetErrorName(int error, const char** name) {
  *name = error == kCudaOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : error == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_UNKNOWN";
  return kCudaSuccess;
}
INGOT_EXPORT int cuGetErrorString(int error, const char** text) {
  *text = error == kCudaOutOfMemory ? "out of memory" : error == 719 ? "unspecified launch failure" : "unknown error";
  return kCudaSuccess;
}
