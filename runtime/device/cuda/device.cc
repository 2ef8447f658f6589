#include "runtime/device/cuda/device.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

namespace ingot {
namespace {

constexpr size_t kStagingBytes = 16 << 20;

}  // namespace

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
  if (!context_) return;
  (void)use();
  if (end_) (void)synchronize();
  if (isAbandoned()) return;
  for (CudaMemory& memory : staging_) memory = CudaMemory();
  for (CudaEvent* event : {&start_, &end_, &sent_[0], &sent_[1]}) *event = CudaEvent();
  if (stream_) driver_.cuStreamDestroy_v2(stream_);
  driver_.cuDevicePrimaryCtxRelease_v2(info_.ordinal);
}

Status CudaDevice::use() { return check(driver_.cuCtxSetCurrent(context_), "cuCtxSetCurrent"); }

Result<CudaDevice::MemorySize> CudaDevice::memorySize() {
  MemorySize size;
  INGOT_TRY(check(driver_.cuMemGetInfo_v2(&size.free, &size.total), "cuMemGetInfo"));
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

Result<CudaKernel> CudaDevice::load(std::span<const std::byte> image, const std::string& entry, unsigned dynamicBytes) {
  CudaModuleTag* module = nullptr;
  INGOT_TRY(check(driver_.cuModuleLoadData(&module, image.data()), "cuModuleLoadData").at(entry));
  CudaKernel kernel;
  kernel.device_ = this;
  kernel.module_ = module;
  INGOT_TRY(check(driver_.cuModuleGetFunction(&kernel.function_, kernel.module_, entry.c_str()), "cuModuleGetFunction").at(entry));
  kernel.dynamicBytes_ = dynamicBytes;
  if (dynamicBytes > 0)
    INGOT_TRY(
        check(driver_.cuFuncSetAttribute(kernel.function_, kCudaMaxDynamicShared, static_cast<int>(dynamicBytes)), "cuFuncSetAttribute").at(entry));
  return kernel;
}

Status CudaDevice::launch(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters,
                          std::span<const CudaLaunchAttribute> attributes) {
  CudaLaunch launch{blocks, 1, 1, threads, 1, 1, kernel.dynamicBytes_, stream_, attributes.data(), static_cast<unsigned>(attributes.size())};
  return check(driver_.cuLaunchKernelEx(&launch, kernel.function_, parameters, nullptr), "cuLaunchKernelEx");
}
Status CudaDevice::launch(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters) {
  constexpr CudaLaunchAttribute kProgrammatic{.id = kCudaLaunchProgrammatic, .value = 1};
  return launch(kernel, blocks, threads, parameters, {&kProgrammatic, info_.major >= 9 ? 1u : 0u});
}
Status CudaDevice::launchCooperative(const CudaKernel& kernel, unsigned blocks, unsigned threads, void** parameters) {
  constexpr CudaLaunchAttribute kCooperative{.id = kCudaLaunchCooperative, .value = 1};
  return launch(kernel, blocks, threads, parameters, {&kCooperative, 1});
}
Result<unsigned> CudaDevice::maxResidentBlocks(const CudaKernel& kernel, unsigned threads) {
  int blocks = 0;
  INGOT_TRY(check(driver_.cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel.function_, static_cast<int>(threads), kernel.dynamicBytes_),
                  "cuOccupancyMaxActiveBlocksPerMultiprocessor"));
  return static_cast<unsigned>(blocks * info_.multiprocessors);
}

Result<CudaTensorMap> CudaDevice::encodeTensorMap(CudaPointer rows, uint64_t count, const TensorMapBox& box) {
  CudaTensorMap map = {};
  const uint64_t sizes[] = {box.columns, count}, strides[] = {box.rowBytes};
  const unsigned size[] = {128 / box.elementBytes, box.rows}, steps[] = {1, 1};
  int type = box.elementBytes == 1 ? kCudaMapBytes : kCudaMapHalves;
  INGOT_TRY(check(driver_.cuTensorMapEncodeTiled(&map, type, 2, reinterpret_cast<void*>(rows), sizes, strides, size, steps, kCudaMapPlain,
                                                 kCudaMapSwizzle128, kCudaMapPromote256, kCudaMapZeros),
                  "cuTensorMapEncodeTiled"));
  return map;
}

Status CudaDevice::beginCapture() { return check(driver_.cuStreamBeginCapture_v2(stream_, kCudaCaptureThreadLocal), "cuStreamBeginCapture"); }

Result<CudaGraph> CudaDevice::endCapture() {
  CudaGraphTag* captured = nullptr;
  INGOT_TRY(check(driver_.cuStreamEndCapture(stream_, &captured), "cuStreamEndCapture"));
  CudaGraphExecTag* instance = nullptr;
  Status status = check(driver_.cuGraphInstantiateWithFlags(&instance, captured, 0), "cuGraphInstantiate");
  driver_.cuGraphDestroy(captured);
  INGOT_TRY(std::move(status));
  CudaGraph graph;
  graph.device_ = this;
  graph.tag_ = instance;
  return graph;
}

Status CudaDevice::launch(const CudaGraph& graph) { return check(driver_.cuGraphLaunch(graph.tag_, stream_), "cuGraphLaunch"); }

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
