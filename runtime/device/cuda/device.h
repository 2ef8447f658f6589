// One GPU: its context, a stream, and memory that frees itself. Every call is checked; nothing here knows models.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "runtime/device/cuda/driver.h"

namespace ingot {

// A GPU's name and properties, read without creating a context.
struct CudaDeviceInfo {
  int ordinal = 0, driverVersion = 0;  // 13000 for 13.0
  int major = 0, minor = 0;            // compute capability
  int multiprocessors = 0;
  int integrated = 0, hostPageTables = 0;
  std::string name;

  // Whether it shares the host's memory and its page tables, so that kernels read mapped files without a copy.
  bool readsHostMemory() const { return integrated && hostPageTables; }
};
// In the driver's order; empty when there is none.
Result<std::vector<CudaDeviceInfo>> listCudaDevices(const CudaDriver& driver);

class CudaDevice;

// GPU memory, or pinned host memory. Move-only; does not outlive its device.
class CudaMemory {
 public:
  CudaMemory() = default;
  CudaMemory(CudaMemory&& other) noexcept { *this = std::move(other); }
  CudaMemory& operator=(CudaMemory&& other) noexcept;
  ~CudaMemory();

  CudaPointer pointer() const { return pointer_; }
  template <class T>
  T* host() const {
    return reinterpret_cast<T*>(pointer_);
  }
  size_t bytes() const { return bytes_; }

 private:
  friend class CudaDevice;
  CudaDevice* device_ = nullptr;
  CudaPointer pointer_ = 0;
  size_t bytes_ = 0;
  bool onHost_ = false;
};

// A loaded kernel. Move-only; does not outlive its device.
class CudaKernel {
 public:
  CudaKernel() = default;
  CudaKernel(CudaKernel&& other) noexcept { *this = std::move(other); }
  CudaKernel& operator=(CudaKernel&& other) noexcept;
  ~CudaKernel();

 private:
  friend class CudaDevice;
  CudaDevice* device_ = nullptr;
  CudaModuleTag* module_ = nullptr;
  CudaFunctionTag* function_ = nullptr;
  unsigned dynamicBytes_ = 0;
};

// An object of the driver that `Destroy` frees. Move-only; does not outlive its device.
template <class Tag, auto Destroy>
class CudaHandle {
 public:
  CudaHandle() = default;
  CudaHandle(CudaHandle&& other) noexcept { *this = std::move(other); }
  CudaHandle& operator=(CudaHandle&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(tag_, other.tag_);
    return *this;
  }
  ~CudaHandle();
  explicit operator bool() const { return tag_ != nullptr; }

 private:
  friend class CudaDevice;
  CudaDevice* device_ = nullptr;
  Tag* tag_ = nullptr;
};
// A captured, instantiated sequence of launches.
using CudaGraph = CudaHandle<CudaGraphExecTag, &CudaDriver::cuGraphExecDestroy>;
// A point in the stream's order.
using CudaEvent = CudaHandle<CudaEventTag, &CudaDriver::cuEventDestroy_v2>;

// Seconds to wait for the GPU before it counts as hung.
constexpr double kCudaPatience = 60;

// Thread-compatible: one call at a time, from any thread after use().
class CudaDevice {
 public:
  static Result<std::unique_ptr<CudaDevice>> open(const CudaDriver& driver, const CudaDeviceInfo& info, double patience = kCudaPatience);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;

  const CudaDeviceInfo& info() const { return info_; }
  // For libraries that enqueue work themselves.
  CudaStreamTag* stream() const { return stream_; }
  // Makes the context current on this thread.
  Status use();
  struct MemorySize {
    size_t free = 0, total = 0;
  };
  // Of a GPU that shares the host's memory, `free` counts the host's page cache.
  Result<MemorySize> memorySize();

  // `what` names the memory in the error if it does not fit.
  Result<CudaMemory> allocate(size_t bytes, std::string_view what);
  Result<CudaMemory> allocatePinned(size_t bytes, std::string_view what);
  // In stream order; host memory is in use until synchronize(), or until wait() for an event recorded after the copy.
  Status copyToDevice(CudaPointer to, const void* from, size_t bytes);
  Status copyToHost(void* to, CudaPointer from, size_t bytes);
  Status copyOnDevice(CudaPointer to, CudaPointer from, size_t bytes);
  Status clear(CudaPointer to, size_t bytes);
  // Through two pinned staging buffers: one is filled from `from`, which may be a mapped file, while the copy of the other is in flight.
  Status upload(CudaPointer to, std::span<const std::byte> from);
  // Fills memory with the repeated pattern, cut off at the end: uploads it once and doubles it on the device.
  Status repeat(CudaPointer to, size_t bytes, std::span<const std::byte> pattern);
  // Frees the staging buffers; the next upload() allocates new ones.
  Status endUploads();

  // A cubin, or PTX that ends in a zero byte. `dynamicBytes`: dynamic shared memory of its launches.
  Result<CudaKernel> load(std::span<const std::byte> image, const std::string& entry, unsigned dynamicBytes = 0);
  // With programmatic dependent launch from compute capability 9.0 on: the kernel may start while the previous one ends, and must itself wait before
  // it reads that one's results.
  Status launch(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters);
  // For rows of f16 or bytes. A TMA box is `rows` rows of 128 bytes, with the 128-byte swizzle of 16-byte chunks.
  struct TensorMapBox {
    uint64_t columns, rowBytes;
    unsigned elementBytes, rows;
  };
  Result<CudaTensorMap> encodeTensorMap(CudaPointer rows, uint64_t count, const TensorMapBox& box);
  // All blocks are co-resident and may wait for each other; at most maxResidentBlocks().
  Status launchCooperative(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters);
  Result<unsigned> maxResidentBlocks(const CudaKernel& kernel, unsigned threads);
  Status beginCapture();
  Result<CudaGraph> endCapture();
  Status launch(const CudaGraph& graph);
  Status synchronize();
  Result<CudaEvent> makeEvent(unsigned flags = kCudaEventUntimed);
  // Records the event after all work in the stream. wait() returns when the GPU has reached it; after `patience` seconds the GPU counts as hung, is
  // abandoned, and the error is deviceLost.
  Status record(const CudaEvent& event);
  Status wait(const CudaEvent& event);
  // From now on nothing is freed, because the driver's calls would wait for the hung GPU. Thread-safe.
  void abandon() { isAbandoned_ = true; }
  bool isAbandoned() const { return isAbandoned_; }
  // Seconds that the work enqueued by `work` took, by the GPU's clock.
  template <class Work>
  Result<double> time(const Work& work) {
    INGOT_TRY(record(start_));
    INGOT_TRY(work());
    return elapsed();
  }

 private:
  friend class CudaMemory;
  friend class CudaKernel;
  template <class Tag, auto Destroy>
  friend class CudaHandle;
  CudaDevice(const CudaDriver& driver, const CudaDeviceInfo& info, double patience) : driver_(driver), info_(info), patience_(patience) {}
  Status check(int error, std::string_view call) const { return driver_.check(error, call); }
  Status prepare();
  Status launch(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters, std::span<const CudaLaunchAttribute> attributes);
  Result<double> elapsed();

  const CudaDriver& driver_;
  CudaDeviceInfo info_;
  const double patience_;
  std::atomic<bool> isAbandoned_ = false;
  CudaContextTag* context_ = nullptr;
  CudaStreamTag* stream_ = nullptr;
  CudaEvent start_, end_;
  CudaEvent sent_[2];  // when a staging buffer may be filled again
  CudaMemory staging_[2] = {};
};

}  // namespace ingot
