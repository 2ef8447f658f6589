// Modules, launches and graphs.
#include <cstring>

#include "tests/support/cuda_stub/calls.h"

struct ingot::CudaFunctionTag {
  std::string entry;
  unsigned dynamicBytes = 48 << 10;  // shared memory that a launch may ask for
};
struct ingot::CudaModuleTag {
  std::vector<std::unique_ptr<ingot::CudaFunctionTag>> functions;
};

using namespace ingot;
using namespace ingot::test;

namespace {

constexpr double kMillisecondsPerBlock = 1e-3;
constexpr int kMostDynamicBytes = 227 << 10;

// Begins a launch. `inFront`, if not empty, is the unfinished work in front of it; it runs when no thread can go on without it.
void execute(const std::string& entry, unsigned blocks, const IngotBatch* batch, const IngotOperands& operands, const Action& inFront) {
  CudaStub& stub = cudaStub();
  stub.milliseconds += stub.launchMilliseconds ? stub.launchMilliseconds(entry, blocks) : blocks * kMillisecondsPerBlock;
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

}  // namespace

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
    if (&launch == exec->launches.data()) stream->work.back().isEarly = false;  // a graph waits for all work in front of it
  }
  return kCudaSuccess;
}
