#include "runtime/device/cuda/device.h"

#include <chrono>
#include <thread>

namespace ingot {

Result<std::vector<CudaDeviceInfo>> listCudaDevices(const CudaDriver& driver) {
  int count = 0, version = 0;
  INGOT_TRY(driver.check(driver.cuDriverGetVersion(&version), "cuDriverGetVersion"));
  INGOT_TRY(driver.check(driver.cuDeviceGetCount(&count), "cuDeviceGetCount"));
  std::vector<CudaDeviceInfo> devices;
  for (int i = 0; i < count; ++i) {
    CudaDeviceInfo info{.ordinal = i, .driverVersion = version};
    int device = 0;
    char name[256] = {};
    INGOT_TRY(driver.check(driver.cuDeviceGet(&device, i), "cuDeviceGet"));
    INGOT_TRY(driver.check(driver.cuDeviceGetName(name, sizeof(name) - 1, device), "cuDeviceGetName"));
    info.name = name;
    for (auto [value, attribute] : {std::pair{&info.major, kCudaComputeCapabilityMajor},
                                    {&info.minor, kCudaComputeCapabilityMinor},
                                    {&info.multiprocessors, kCudaMultiprocessors},
                                    {&info.integrated, kCudaIntegrated},
                                    {&info.hostPageTables, kCudaHostPageTables}})
      INGOT_TRY(driver.check(driver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute"));
    devices.push_back(std::move(info));
  }
  return devices;
}

CudaMemory& CudaMemory::operator=(CudaMemory&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(pointer_, other.pointer_);
  std::swap(bytes_, other.bytes_);
  std::swap(onHost_, other.onHost_);
  return *this;
}
CudaMemory::~CudaMemory() {
  if (!pointer_ || device_->isAbandoned()) return;
  (void)device_->use();
  if (onHost_) device_->driver_.cuMemFreeHost(host<void>());
  else device_->driver_.cuMemFree_v2(pointer_);
}

CudaKernel& CudaKernel::operator=(CudaKernel&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(module_, other.module_);
  std::swap(function_, other.function_);
  std::swap(dynamicBytes_, other.dynamicBytes_);
  return *this;
}
CudaKernel::~CudaKernel() {
  if (!module_ || device_->isAbandoned()) return;
  (void)device_->use();
  device_->driver_.cuModuleUnload(module_);
}

template <class Tag, auto Destroy>
CudaHandle<Tag, Destroy>::~CudaHandle() {
  if (!tag_ || device_->isAbandoned()) return;
  (void)device_->use();
  (device_->driver_.*Destroy)(tag_);
}
template class CudaHandle<CudaGraphExecTag, &CudaDriver::cuGraphExecDestroy>;
template class CudaHandle<CudaEventTag, &CudaDriver::cuEventDestroy_v2>;

Result<std::unique_ptr<CudaDevice>> CudaDevice::open(const CudaDriver& driver, const CudaDeviceInfo& info, double patience) {
  std::unique_ptr<CudaDevice> device(new CudaDevice(driver, info, patience));
  INGOT_TRY(device->prepare());
  return device;
}

Status CudaDevice::prepare() {
  CudaContextTag* context = nullptr;
  INGOT_TRY(check(driver_.cuDevicePrimaryCtxRetain(&context, info_.ordinal), "cuDevicePrimaryCtxRetain"));
  context_ = context;
  INGOT_TRY(use());
  CudaStreamTag* stream = nullptr;
  INGOT_TRY(check(driver_.cuStreamCreate(&stream, kCudaStreamNonBlocking), "cuStreamCreate"));
  stream_ = stream;
  for (CudaEvent* event : {&start_, &end_}) {
    INGOT_ASSIGN(*event, makeEvent(kCudaEventTimed));
  }
  for (CudaEvent& event : sent_) {
    INGOT_ASSIGN(event, makeEvent());
  }
  return {};
}

CudaDevice::~CudaDevice() {
  if (!context_ || isAbandoned()) return;
  (void)use();
  if (end_) (void)synchronize();
  if (isAbandoned()) return;  // it hung now
  for (CudaMemory& memory : staging_) memory = CudaMemory();
  for (CudaEvent* event : {&start_, &end_, &sent_[0], &sent_[1]}) *event = CudaEvent();
  if (stream_) driver_.cuStreamDestroy_v2(stream_);
  driver_.cuDevicePrimaryCtxRelease_v2(info_.ordinal);
}

Status CudaDevice::use() { return check(driver_.cuCtxSetCurrent(context_), "cuCtxSetCurrent"); }

Status CudaDevice::synchronize() {
  INGOT_TRY(record(end_));
  return wait(end_);
}

Result<CudaEvent> CudaDevice::makeEvent(unsigned flags) {
  CudaEventTag* tag = nullptr;
  INGOT_TRY(check(driver_.cuEventCreate(&tag, flags), "cuEventCreate"));
  CudaEvent event;
  event.device_ = this;
  event.tag_ = tag;
  return event;
}
Status CudaDevice::record(const CudaEvent& event) { return check(driver_.cuEventRecord(event.tag_, stream_), "cuEventRecord"); }

// Polls, because the driver's own wait would never return if a kernel hangs.
Status CudaDevice::wait(const CudaEvent& event) {
  auto last = std::chrono::steady_clock::now() + std::chrono::duration<double>(patience_);
  for (;;) {
    int error = driver_.cuEventQuery(event.tag_);
    if (error != kCudaNotReady) return check(error, "cuEventQuery");
    if (std::chrono::steady_clock::now() > last) break;
    std::this_thread::yield();
  }
  abandon();
  return Status::deviceLost("the GPU has not ended its work in {} s (device_timeout); it hangs, restart the process", patience_);
}

Result<double> CudaDevice::elapsed() {
  float milliseconds = 0;
  INGOT_TRY(record(end_));
  INGOT_TRY(wait(end_));
  INGOT_TRY(check(driver_.cuEventElapsedTime(&milliseconds, start_.tag_, end_.tag_), "cuEventElapsedTime"));
  return static_cast<double>(milliseconds) * 1e-3;
}

}  // namespace ingot
