// Memory of a GPU, pinned memory of the host, and copies.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>

#include "runtime/device/cuda/device.h"

namespace ingot {

namespace {

constexpr size_t kStagingBytes = 16 << 20;

// Bytes of the host's memory that can be had, the page cache included, which gives way; 0 if the system does not say.
size_t availableHostBytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    size_t kibibytes = 0;
    if (key == "MemAvailable:" && file >> kibibytes) return kibibytes << 10;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

}  // namespace

Result<CudaDevice::MemorySize> CudaDevice::memorySize() {
  MemorySize size;
  INGOT_TRY(check(driver_.cuMemGetInfo_v2(&size.free, &size.total), "cuMemGetInfo"));
  if (info_.integrated) size.free = std::min(std::max(size.free, availableHostBytes()), size.total);
  return size;
}

Result<CudaMemory> CudaDevice::allocate(size_t bytes, std::string_view what) {
  CudaPointer pointer = 0;
  int error = driver_.cuMemAlloc_v2(&pointer, std::max<size_t>(bytes, 1));
  if (error == kCudaOutOfMemory) {
    auto size = memorySize();
    return Status::resourceExhausted("{} {}: {} needs {} bytes, the GPU has {} free", check(error, "cuMemAlloc").message(), info_.name, what, bytes,
                                     size.ok() ? size->free : 0);
  }
  INGOT_TRY(check(error, "cuMemAlloc").at(what));
  CudaMemory memory;
  memory.device_ = this;
  memory.pointer_ = pointer;
  memory.bytes_ = bytes;
  return memory;
}

Result<CudaMemory> CudaDevice::allocatePinned(size_t bytes, std::string_view what) {
  void* pointer = nullptr;
  INGOT_TRY(check(driver_.cuMemHostAlloc(&pointer, std::max<size_t>(bytes, 1), 0), "cuMemHostAlloc").at(what));
  CudaMemory memory;
  memory.device_ = this;
  memory.pointer_ = reinterpret_cast<CudaPointer>(pointer);
  memory.bytes_ = bytes;
  memory.onHost_ = true;
  return memory;
}

Status CudaDevice::copyToDevice(CudaPointer to, const void* from, size_t bytes) {
  return check(driver_.cuMemcpyHtoDAsync_v2(to, from, bytes, stream_), "cuMemcpyHtoDAsync");
}
Status CudaDevice::copyToHost(void* to, CudaPointer from, size_t bytes) {
  return check(driver_.cuMemcpyDtoHAsync_v2(to, from, bytes, stream_), "cuMemcpyDtoHAsync");
}
Status CudaDevice::copyOnDevice(CudaPointer to, CudaPointer from, size_t bytes) {
  return check(driver_.cuMemcpyDtoDAsync_v2(to, from, bytes, stream_), "cuMemcpyDtoDAsync");
}
Status CudaDevice::clear(CudaPointer to, size_t bytes) {
  return bytes == 0 ? Status() : check(driver_.cuMemsetD8Async(to, 0, bytes, stream_), "cuMemsetD8Async");
}

Status CudaDevice::upload(CudaPointer to, std::span<const std::byte> from) {
  for (CudaMemory& memory : staging_) {
    if (memory.bytes()) continue;
    INGOT_ASSIGN(memory, allocatePinned(kStagingBytes, "staging"));
  }
  for (size_t at = 0, turn = 0; at < from.size(); at += kStagingBytes, turn = 1 - turn) {
    size_t bytes = std::min(kStagingBytes, from.size() - at);
    INGOT_TRY(wait(sent_[turn]));
    std::memcpy(staging_[turn].host<std::byte>(), from.data() + at, bytes);
    INGOT_TRY(copyToDevice(to + at, staging_[turn].host<std::byte>(), bytes));
    INGOT_TRY(record(sent_[turn]));
  }
  return {};
}

Status CudaDevice::repeat(CudaPointer to, size_t bytes, std::span<const std::byte> pattern) {
  size_t done = std::min(pattern.size(), bytes);
  INGOT_TRY(upload(to, pattern.first(done)));
  for (; done < bytes; done = std::min(2 * done, bytes)) INGOT_TRY(copyOnDevice(to + done, to, std::min(done, bytes - done)));
  return {};
}

Status CudaDevice::endUploads() {
  INGOT_TRY(synchronize());
  for (CudaMemory& memory : staging_) memory = CudaMemory();
  return {};
}

}  // namespace ingot
