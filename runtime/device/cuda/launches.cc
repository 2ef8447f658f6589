// Kernels, launches, tensor maps and graphs.
#include "runtime/device/cuda/device.h"

namespace ingot {

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

}  // namespace ingot
