// One GPU: its context, a stream, and memory that frees itself. Every call is checked; nothing here knows models.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "runtime/device/cuda/driver.h"

namespace ingot {

// What a GPU is called and can do; read without making a context.
struct CudaDeviceInfo {
  int ordinal = 0, driverVersion = 0;  // 13000 for 13.0
  int major = 0, minor = 0;            // compute capability
  int multiprocessors = 0;
  int integrated = 0, hostPageTables = 0;
  std::string name;

  // Whether it shares the host's memory, and finds there what the host has mapped: files too, without a copy.
  bool readsHostMemory() const { return integrated && hostPageTables; }
};
// In the driver's order; empty when there is none.
Result<std::vector<CudaDeviceInfo>> listCudaDevices(const CudaDriver& driver);

class CudaDevice;

// Memory of the GPU, or of the host and pinned. Move-only; does not outlive its device.
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

// Code of one kernel, loaded. Move-only; does not outlive its device.
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

// What a device gave, and a call of the driver takes back. Move-only; does not outlive its device.
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
// A captured run of launches.
using CudaGraph = CudaHandle<CudaGraphExecTag, &CudaDriver::cuGraphExecDestroy>;
// A place in the stream's order.
using CudaEvent = CudaHandle<CudaEventTag, &CudaDriver::cuEventDestroy_v2>;

// Seconds after which work that has not ended counts as one that never will.
constexpr double kCudaPatience = 60;

// Thread-compatible: one call at a time, from any thread after use().
class CudaDevice {
 public:
  static Result<std::unique_ptr<CudaDevice>> open(const CudaDriver& driver, const CudaDeviceInfo& info, double patience = kCudaPatience);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;

  const CudaDeviceInfo& info() const { return info_; }
  // For libraries that put work of their own in its order.
  CudaStreamTag* stream() const { return stream_; }
  // Makes the context this thread's own.
  Status use();
  struct MemorySize {
    size_t free = 0, total = 0;
  };
  Result<MemorySize> memorySize();

  // `what` is named when there is not enough.
  Result<CudaMemory> allocate(size_t bytes, std::string_view what);
  Result<CudaMemory> allocatePinned(size_t bytes, std::string_view what);
  // Ordered by the stream; host memory is in use until synchronize(), or wait() for an event behind the copy.
  Status copyToDevice(CudaPointer to, const void* from, size_t bytes);
  Status copyToHost(void* to, CudaPointer from, size_t bytes);
  Status copyOnDevice(CudaPointer to, CudaPointer from, size_t bytes);
  Status clear(CudaPointer to, size_t bytes);
  // Through two pinned buffers: one is filled from `from`, which may be a mapped file, while the other one is on its way.
  Status upload(CudaPointer to, std::span<const std::byte> from);
  // The pattern again and again, cut off at the end: one goes up, and is doubled on the device.
  Status repeat(CudaPointer to, size_t bytes, std::span<const std::byte> pattern);
  // Gives those buffers back; the next upload() takes new ones.
  Status endUploads();

  // A cubin, or PTX that ends in a zero byte. Its launches have so many bytes of dynamic shared memory.
  Result<CudaKernel> load(std::span<const std::byte> image, const std::string& entry, unsigned dynamicBytes = 0);
  // GPUs from compute capability 9.0 on may start the kernel while the one before it ends: it waits by itself before it reads results.
  Status launch(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters);
  // Of rows of f16 or bytes, by boxes of so many rows and 128 bytes; 16-byte chunks trade places within them.
  struct TensorMapBox {
    uint64_t columns, rowBytes;
    unsigned elementBytes, rows;
  };
  Result<CudaTensorMap> encodeTensorMap(CudaPointer rows, uint64_t count, const TensorMapBox& box);
  // All blocks run at the same time, and may wait for each other; no more than maxResidentBlocks().
  Status launchCooperative(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters);
  Result<unsigned> maxResidentBlocks(const CudaKernel& kernel, unsigned threads);
  Status beginCapture();
  Result<CudaGraph> endCapture();
  Status launch(const CudaGraph& graph);
  Status synchronize();
  Result<CudaEvent> makeEvent(unsigned flags = kCudaEventUntimed);
  // Behind all that the stream has; once it was recorded, wait() returns when the GPU comes by, or, with deviceLost, when patience has ended: the
  // GPU hangs, and is abandoned.
  Status record(const CudaEvent& event);
  Status wait(const CudaEvent& event);
  // Nothing of it is given back to the driver any more, which would wait for the GPU. Thread-safe.
  void abandon() { isAbandoned_ = true; }
  bool isAbandoned() const { return isAbandoned_; }
  // Seconds of the GPU's own clock that `work` took.
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
