// Memory of the GPU and pinned memory of the host; copies.
#include <cstdlib>
#include <cstring>

#include "tests/support/cuda_stub/calls.h"

using namespace ingot;
using namespace ingot::test;

namespace {

constexpr double kMillisecondsPerByte = 1e-9;

}  // namespace

int ingot::test::checkRange(uint64_t address, size_t bytes, const char* what) {
  auto after = allocations.upper_bound(address);
  if (after != allocations.begin()) {
    auto [start, size] = *std::prev(after);
    if (address + bytes <= start + size) return kCudaSuccess;
  }
  report(std::string(what) + " outside of an allocation");
  return kInvalidValue;
}

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
    cudaStub().milliseconds += static_cast<double>(bytes) * kMillisecondsPerByte;
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
    cudaStub().milliseconds += static_cast<double>(bytes) * kMillisecondsPerByte;
  });
  return kCudaSuccess;
}
INGOT_EXPORT int cuMemsetD8Async(CudaPointer to, unsigned char value, size_t bytes, CudaStreamTag* stream) {
  if (int error = enter("cuMemsetD8Async")) return error;
  if (int error = checkRange(to, bytes, "cuMemsetD8Async")) return error;
  stream->add([=] { std::memset(reinterpret_cast<void*>(to), value, bytes); });
  return kCudaSuccess;
}
