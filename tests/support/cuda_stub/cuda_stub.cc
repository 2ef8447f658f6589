#include "tests/support/cuda_stub/cuda_stub.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "runtime/device/cuda/driver.h"
#include "tests/support/cuda_stub/emulator.h"

#define INGOT_EXPORT extern "C" __attribute__((visibility("default")))

using ingot::test::CudaStub;
using ingot::test::cudaStub;

struct ingot::CudaFunctionTag {
  std::string entry;
  unsigned dynamicBytes = 48 << 10;  // that a launch may ask for
};
struct ingot::CudaModuleTag {
  std::vector<std::unique_ptr<ingot::CudaFunctionTag>> functions;
};
struct ingot::CudaContextTag {};

namespace {

using namespace ingot;
using namespace ingot::test;

// What a call that fails leaves in the place of its result.
constexpr uintptr_t kGarbage = 24;

constexpr int kInvalidValue = 1, kNoDevice = 100, kTooManyBlocks = 720;
constexpr int kMultiprocessors = 4, kMostDynamicBytes = 227 << 10;

std::unique_ptr<Emulator> emulator;
std::map<uint64_t, uint64_t> allocations;  // of the GPU, by address

int enter(const std::string& call) { return cudaStub().enter(call); }
void report(const std::string& problem) { cudaStub().problems.push_back(problem); }
void count(int64_t objects) { std::atomic_ref(cudaStub().live) += objects; }

constexpr double kMillisecondsOfBlock = 1e-3, kMillisecondsOfByte = 1e-9, kMillisecondsOfRecord = 1e-3;

int checkRange(uint64_t address, size_t bytes, const char* what) {
  auto after = allocations.upper_bound(address);
  if (after != allocations.begin()) {
    auto [start, size] = *std::prev(after);
    if (address + bytes <= start + size) return kCudaSuccess;
  }
  report(std::string(what) + " outside of an allocation");
  return kInvalidValue;
}

// Calls that the driver answers when the GPU has nothing left to do.
void waitUnlessItHangs(const char* call) {
  if (cudaStub().hangs) report(std::string(call) + " never comes back: the GPU hangs");
  else waitForAll();
}

// Begins a launch; what is in front of it, where there is something, runs when no thread can go on without.
void execute(const std::string& entry, unsigned blocks, const IngotBatch* batch, const IngotOperands& operands, const Action& inFront) {
  CudaStub& stub = cudaStub();
  stub.milliseconds += stub.launchMilliseconds ? stub.launchMilliseconds(entry, blocks) : blocks * kMillisecondsOfBlock;
  const EmulatedKernel* kernel = emulator ? emulator->find(entry) : nullptr;
  if (emulator && !kernel) report("no emulated kernel " + entry);
  if (!kernel) return inFront ? inFront() : void();
  if (kernel->mapRows) {
    const void* map = operands.at[INGOT_MAX_OPERANDS - 1];
    if (!map || std::memcmp(map, &kernel->mapRows, sizeof kernel->mapRows) != 0) report("the map of another kernel's boxes");
  }
  if (kernel->gridMultiple && (blocks % kernel->gridMultiple || blocks > kMultiprocessors))
    report("blocks of a persistent kernel are not all co-resident");
  emulator->run(*kernel, blocks, batch, operands, inFront);
}

template <class T>
int create(T** out, const char* call) {
  *out = reinterpret_cast<T*>(kGarbage);
  if (int error = enter(call)) return error;
  *out = new T;
  count(1);
  return kCudaSuccess;
}
// Frees even when it reports a failure, as the driver does.
template <class T>
int destroy(T* one, const char* call) {
  int error = enter(call);
  delete one;
  count(-1);
  return error;
}

}  // namespace

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

// What a program that knows nothing of the stub may set from outside: INGOT_STUB_ARTIFACT, INGOT_STUB_GPU=9.0, and INGOT_STUB_MEMORY in bytes.
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
INGOT_EXPORT int cuMemGetInfo_v2(size_t* free, size_t* total) {
  *total = cudaStub().memoryBytes;
  *free = *total - cudaStub().usedBytes;
  return enter("cuMemGetInfo");
}
INGOT_EXPORT int cuMemAlloc_v2(CudaPointer* pointer, size_t bytes) {
  *pointer = kGarbage;
  if (int error = enter("cuMemAlloc")) return error;
  if (cudaStub().usedBytes + bytes > cudaStub().memoryBytes) return kCudaOutOfMemory;
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(memory, emulator ? 0xff : 0, bytes);
  *pointer = reinterpret_cast<CudaPointer>(memory);
  allocations[*pointer] = bytes;
  cudaStub().usedBytes += bytes;
  count(1);
  return kCudaSuccess;
}
INGOT_EXPORT int cuMemFree_v2(CudaPointer pointer) {
  waitUnlessItHangs("cuMemFree");
  cudaStub().usedBytes -= allocations[pointer];
  allocations.erase(pointer);
  std::free(reinterpret_cast<void*>(pointer));
  count(-1);
  return enter("cuMemFree");
}
INGOT_EXPORT int cuMemHostAlloc(void** pointer, size_t bytes, unsigned) {
  *pointer = reinterpret_cast<void*>(kGarbage);
  if (int error = enter("cuMemHostAlloc")) return error;
  *pointer = std::calloc(1, bytes);
  count(1);
  return kCudaSuccess;
}
INGOT_EXPORT int cuMemFreeHost(void* pointer) {
  waitUnlessItHangs("cuMemFreeHost");
  std::free(pointer);
  count(-1);
  return enter("cuMemFreeHost");
}
INGOT_EXPORT int cuMemcpyHtoDAsync_v2(CudaPointer to, const void* from, size_t bytes, CudaStreamTag* stream) {
  if (int error = enter("cuMemcpyHtoDAsync")) return error;
  if (int error = checkRange(to, bytes, "cuMemcpyHtoDAsync")) return error;
  stream->add([=] {
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    cudaStub().milliseconds += static_cast<double>(bytes) * kMillisecondsOfByte;
  });
  return kCudaSuccess;
}
INGOT_EXPORT int cuMemcpyDtoHAsync_v2(void* to, CudaPointer from, size_t bytes, CudaStreamTag* stream) {
  if (int error = enter("cuMemcpyDtoHAsync")) return error;
  if (int error = checkRange(from, bytes, "cuMemcpyDtoHAsync")) return error;
  stream->add([=] { std::memcpy(to, reinterpret_cast<const void*>(from), bytes); });
  return kCudaSuccess;
}
INGOT_EXPORT int cuMemcpyDtoDAsync_v2(CudaPointer to, CudaPointer from, size_t bytes, CudaStreamTag* stream) {
  if (int error = enter("cuMemcpyDtoDAsync")) return error;
  if (int error = checkRange(to, bytes, "cuMemcpyDtoDAsync")) return error;
  if (int error = checkRange(from, bytes, "cuMemcpyDtoDAsync")) return error;
  stream->add([=] {
    std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
    cudaStub().milliseconds += static_cast<double>(bytes) * kMillisecondsOfByte;
  });
  return kCudaSuccess;
}
INGOT_EXPORT int cuMemsetD8Async(CudaPointer to, unsigned char value, size_t bytes, CudaStreamTag* stream) {
  if (int error = enter("cuMemsetD8Async")) return error;
  if (int error = checkRange(to, bytes, "cuMemsetD8Async")) return error;
  stream->add([=] { std::memset(reinterpret_cast<void*>(to), value, bytes); });
  return kCudaSuccess;
}
INGOT_EXPORT int cuStreamCreate(CudaStreamTag** stream, unsigned) {
  int error = create(stream, "cuStreamCreate");
  std::lock_guard lock(streamsMutex);
  if (error == kCudaSuccess) streams.insert(*stream);
  return error;
}
INGOT_EXPORT int cuStreamDestroy_v2(CudaStreamTag* stream) {
  waitUnlessItHangs("cuStreamDestroy");
  std::lock_guard lock(streamsMutex);
  streams.erase(stream);
  return destroy(stream, "cuStreamDestroy");
}
INGOT_EXPORT int cuEventCreate(CudaEventTag** event, unsigned) { return create(event, "cuEventCreate"); }
INGOT_EXPORT int cuEventDestroy_v2(CudaEventTag* event) { return destroy(event, "cuEventDestroy"); }
INGOT_EXPORT int cuEventRecord(CudaEventTag* event, CudaStreamTag* stream) {
  if (int error = enter("cuEventRecord")) return error;
  event->last = std::make_shared<CudaEventTag::Record>();
  event->stream = stream;
  stream->add([record = event->last] { *record = {true, cudaStub().milliseconds += kMillisecondsOfRecord}; });
  return kCudaSuccess;
}
INGOT_EXPORT int cuEventQuery(CudaEventTag* event) {
  if (int error = enter("cuEventQuery")) return error;
  if (!event->last || event->last->isDone) return kCudaSuccess;
  if (cudaStub().hangs || cudaStub().notReady-- > 0) return kCudaNotReady;
  cudaStub().notReady = 0;
  while (!event->last->isDone) runNext(*event->stream);
  return kCudaSuccess;
}
INGOT_EXPORT int cuEventElapsedTime(float* milliseconds, CudaEventTag* start, CudaEventTag* end) {
  *milliseconds = static_cast<float>(end->last->milliseconds - start->last->milliseconds);
  return enter("cuEventElapsedTime");
}
INGOT_EXPORT int cuModuleLoadData(CudaModuleTag** module, const void*) { return create(module, "cuModuleLoadData"); }
INGOT_EXPORT int cuModuleUnload(CudaModuleTag* module) { return destroy(module, "cuModuleUnload"); }
INGOT_EXPORT int cuModuleGetFunction(CudaFunctionTag** function, CudaModuleTag* module, const char* name) {
  if (int error = enter("cuModuleGetFunction")) return error;
  module->functions.push_back(std::make_unique<CudaFunctionTag>(CudaFunctionTag{.entry = name}));
  *function = module->functions.back().get();
  return kCudaSuccess;
}
INGOT_EXPORT int cuTensorMapEncodeTiled(CudaTensorMap* map, int type, unsigned rank, void* address, const uint64_t* sizes, const uint64_t* strides,
                                        const unsigned* box, const unsigned* steps, int, int swizzle, int, int) {
  if (int error = enter("cuTensorMapEncodeTiled")) return error;
  unsigned elementBytes = type == kCudaMapHalves ? 2 : 1;
  bool fits = (type == kCudaMapHalves || type == kCudaMapBytes) && rank == 2 && swizzle == kCudaMapSwizzle128 &&
              reinterpret_cast<uintptr_t>(address) % 16 == 0 && sizes[0] * elementBytes <= strides[0] && strides[0] % 16 == 0 &&
              box[0] * elementBytes <= 128 && box[1] >= 1 && box[1] <= 256 && steps[0] == 1 && steps[1] == 1;
  if (!fits) return kInvalidValue;
  *map = {};
  std::memcpy(map->bytes, &box[1], sizeof box[1]);
  return checkRange(reinterpret_cast<uint64_t>(address), sizes[1] * strides[0], "a map of rows");
}
INGOT_EXPORT int cuFuncSetAttribute(CudaFunctionTag* function, int attribute, int value) {
  if (int error = enter("cuFuncSetAttribute")) return error;
  if (attribute != kCudaMaxDynamicShared || value < 0 || value > kMostDynamicBytes) return kInvalidValue;
  function->dynamicBytes = static_cast<unsigned>(value);
  return kCudaSuccess;
}
INGOT_EXPORT int cuLaunchKernelEx(const CudaLaunch* launch, CudaFunctionTag* function, void** parameters, void**) {
  unsigned blocks = launch->gridX, threads = launch->blockX;
  if (int error = enter("cuLaunchKernelEx " + function->entry + " " + std::to_string(blocks) + " x " + std::to_string(threads))) return error;
  if (blocks == 0 || threads == 0 || threads > 1024 || launch->sharedBytes > function->dynamicBytes) return kInvalidValue;
  if (const EmulatedKernel* kernel = emulator ? emulator->find(function->entry) : nullptr; kernel && launch->sharedBytes != kernel->dynamicBytes)
    report("shared memory of another size");
  int attribute = launch->numAttributes ? launch->attributes[0].id : 0;
  if (launch->numAttributes > 1 || (attribute && launch->attributes[0].value != 1)) return kInvalidValue;
  if (attribute == kCudaLaunchProgrammatic && cudaStub().major < 9) report("a launch before the one before it has ended");
  if (attribute == kCudaLaunchCooperative && blocks > kMultiprocessors) return kTooManyBlocks;
  auto run = [entry = function->entry, blocks, batch = *static_cast<IngotBatch**>(parameters[0]),
              operands = *static_cast<IngotOperands*>(parameters[1])](const Action& inFront) { execute(entry, blocks, batch, operands, inFront); };
  Work work{run, true, attribute == kCudaLaunchProgrammatic};
  if (launch->stream->capture) launch->stream->capture->launches.push_back(work);
  else launch->stream->work.push_back(work);
  return kCudaSuccess;
}
INGOT_EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CudaFunctionTag*, int, size_t) {
  *blocks = 1;
  return enter("cuOccupancyMaxActiveBlocksPerMultiprocessor");
}
INGOT_EXPORT int cuStreamBeginCapture_v2(CudaStreamTag* stream, int) { return create(&stream->capture, "cuStreamBeginCapture"); }
INGOT_EXPORT int cuStreamEndCapture(CudaStreamTag* stream, CudaGraphTag** graph) {
  int error = enter("cuStreamEndCapture");
  *graph = stream->capture;
  stream->capture = nullptr;
  if (error == kCudaSuccess) return error;
  delete *graph;
  count(-1);
  *graph = nullptr;
  return error;
}
INGOT_EXPORT int cuGraphInstantiateWithFlags(CudaGraphExecTag** exec, CudaGraphTag* graph, unsigned long long) {
  int error = create(exec, "cuGraphInstantiate");
  if (error == kCudaSuccess) (*exec)->launches = graph->launches;
  return error;
}
INGOT_EXPORT int cuGraphDestroy(CudaGraphTag* graph) { return destroy(graph, "cuGraphDestroy"); }
INGOT_EXPORT int cuGraphExecDestroy(CudaGraphExecTag* exec) { return destroy(exec, "cuGraphExecDestroy"); }
INGOT_EXPORT int cuGraphLaunch(CudaGraphExecTag* exec, CudaStreamTag* stream) {
  if (int error = enter("cuGraphLaunch")) return error;
  for (const Work& launch : exec->launches) {
    stream->work.push_back(launch);
    if (&launch == exec->launches.data()) stream->work.back().isEarly = false;  // a graph waits for what is in front of it
  }
  return kCudaSuccess;
}
INGOT_EXPORT int cuGetErrorName(int error, const char** name) {
  *name = error == kCudaOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : error == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_UNKNOWN";
  return kCudaSuccess;
}
INGOT_EXPORT int cuGetErrorString(int error, const char** text) {
  *text = error == kCudaOutOfMemory ? "out of memory" : error == 719 ? "unspecified launch failure" : "unknown error";
  return kCudaSuccess;
}
