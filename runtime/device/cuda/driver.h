// The part of the CUDA driver API that the runtime calls, as one table found by dlopen: no CUDA header is needed to build and no
// driver to start. Names and values are those of cuda.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/status.h"

namespace ingot {

using CudaPointer = uint64_t;  // CUdeviceptr
struct CudaContextTag;
struct CudaStreamTag;
struct CudaEventTag;
struct CudaModuleTag;
struct CudaFunctionTag;
struct CudaGraphTag;
struct CudaGraphExecTag;

constexpr int kCudaSuccess = 0, kCudaOutOfMemory = 2, kCudaNotReady = 600;
constexpr int kCudaComputeCapabilityMajor = 75, kCudaComputeCapabilityMinor = 76, kCudaMultiprocessors = 16;
constexpr int kCudaIntegrated = 18, kCudaHostPageTables = 100;  // CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES
constexpr unsigned kCudaStreamNonBlocking = 1, kCudaEventTimed = 0, kCudaEventUntimed = 2;
constexpr int kCudaCaptureThreadLocal = 1;
constexpr int kCudaMaxDynamicShared = 8;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES

// CUlaunchAttribute and CUlaunchConfig.
constexpr int kCudaLaunchCooperative = 2;   // CU_LAUNCH_ATTRIBUTE_COOPERATIVE
constexpr int kCudaLaunchProgrammatic = 6;  // CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
struct CudaLaunchAttribute {
  int id, pad;
  int value;
  char rest[60];
};
struct CudaLaunch {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  CudaStreamTag* stream;
  const CudaLaunchAttribute* attributes;
  unsigned numAttributes;
};
static_assert(sizeof(CudaLaunchAttribute) == 72 && sizeof(CudaLaunch) == 56);

// CUtensorMap: describes a matrix to TMA copies.
struct alignas(64) CudaTensorMap {
  char bytes[128];
};
// CUtensorMapDataType, Interleave, Swizzle, L2promotion and FloatOOBfill.
constexpr int kCudaMapBytes = 0, kCudaMapHalves = 6, kCudaMapPlain = 0, kCudaMapSwizzle128 = 3, kCudaMapPromote256 = 3, kCudaMapZeros = 0;

// Every function returns a CUresult.
#define INGOT_CUDA_FUNCTIONS(X)                                                                                                           \
  X(cuInit, (unsigned flags))                                                                                                             \
  X(cuDriverGetVersion, (int* version))                                                                                                   \
  X(cuDeviceGetCount, (int* count))                                                                                                       \
  X(cuDeviceGet, (int* device, int ordinal))                                                                                              \
  X(cuDeviceGetName, (char* name, int length, int device))                                                                                \
  X(cuDeviceGetAttribute, (int* value, int attribute, int device))                                                                        \
  X(cuDevicePrimaryCtxRetain, (CudaContextTag * *context, int device))                                                                    \
  X(cuDevicePrimaryCtxRelease_v2, (int device))                                                                                           \
  X(cuCtxSetCurrent, (CudaContextTag * context))                                                                                          \
  X(cuMemGetInfo_v2, (size_t* free, size_t* total))                                                                                       \
  X(cuMemAlloc_v2, (CudaPointer * pointer, size_t bytes))                                                                                 \
  X(cuMemFree_v2, (CudaPointer pointer))                                                                                                  \
  X(cuMemHostAlloc, (void** pointer, size_t bytes, unsigned flags))                                                                       \
  X(cuMemFreeHost, (void* pointer))                                                                                                       \
  X(cuMemcpyHtoDAsync_v2, (CudaPointer to, const void* from, size_t bytes, CudaStreamTag* stream))                                        \
  X(cuMemcpyDtoHAsync_v2, (void* to, CudaPointer from, size_t bytes, CudaStreamTag* stream))                                              \
  X(cuMemcpyDtoDAsync_v2, (CudaPointer to, CudaPointer from, size_t bytes, CudaStreamTag* stream))                                        \
  X(cuMemsetD8Async, (CudaPointer to, unsigned char value, size_t bytes, CudaStreamTag* stream))                                          \
  X(cuStreamCreate, (CudaStreamTag * *stream, unsigned flags))                                                                            \
  X(cuStreamDestroy_v2, (CudaStreamTag * stream))                                                                                         \
  X(cuEventCreate, (CudaEventTag * *event, unsigned flags))                                                                               \
  X(cuEventDestroy_v2, (CudaEventTag * event))                                                                                            \
  X(cuEventRecord, (CudaEventTag * event, CudaStreamTag * stream))                                                                        \
  X(cuEventQuery, (CudaEventTag * event))                                                                                                 \
  X(cuEventElapsedTime, (float* milliseconds, CudaEventTag* start, CudaEventTag* end))                                                    \
  X(cuModuleLoadData, (CudaModuleTag * *module, const void* image))                                                                       \
  X(cuModuleUnload, (CudaModuleTag * module))                                                                                             \
  X(cuModuleGetFunction, (CudaFunctionTag * *function, CudaModuleTag * module, const char* name))                                         \
  X(cuFuncSetAttribute, (CudaFunctionTag * function, int attribute, int value))                                                           \
  X(cuLaunchKernelEx, (const CudaLaunch* launch, CudaFunctionTag* function, void** parameters, void** extra))                             \
  X(cuOccupancyMaxActiveBlocksPerMultiprocessor, (int* blocks, CudaFunctionTag* function, int threads, size_t sharedBytes))               \
  X(cuTensorMapEncodeTiled, (CudaTensorMap * map, int type, unsigned rank, void* address, const uint64_t* sizes, const uint64_t* strides, \
                             const unsigned* box, const unsigned* steps, int interleave, int swizzle, int promotion, int fill))           \
  X(cuStreamBeginCapture_v2, (CudaStreamTag * stream, int mode))                                                                          \
  X(cuStreamEndCapture, (CudaStreamTag * stream, CudaGraphTag * *graph))                                                                  \
  X(cuGraphInstantiateWithFlags, (CudaGraphExecTag * *exec, CudaGraphTag * graph, unsigned long long flags))                              \
  X(cuGraphDestroy, (CudaGraphTag * graph))                                                                                               \
  X(cuGraphExecDestroy, (CudaGraphExecTag * exec))                                                                                        \
  X(cuGraphLaunch, (CudaGraphExecTag * exec, CudaStreamTag * stream))                                                                     \
  X(cuGetErrorName, (int error, const char** name))                                                                                       \
  X(cuGetErrorString, (int error, const char** text))

// Immutable, thread-safe.
struct CudaDriver {
#define INGOT_CUDA_MEMBER(name, arguments) int(*name) arguments = nullptr;
  INGOT_CUDA_FUNCTIONS(INGOT_CUDA_MEMBER)
#undef INGOT_CUDA_MEMBER

  // "cuMemAlloc: out of memory (CUDA_ERROR_OUT_OF_MEMORY)" and possible remedies; ok for success.
  Status check(int error, std::string_view call) const;
};

// The library's table; the error says what is missing and what to install. The library stays loaded.
Result<const CudaDriver*> openCudaDriver(const std::string& library);

// libcuda.so.1, found by the system's search path.
constexpr const char* kCudaLibrary = "libcuda.so.1";

}  // namespace ingot
