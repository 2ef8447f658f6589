// Streams and events. Captures of streams are in launches.cc.
#include "tests/support/cuda_stub/calls.h"

using namespace ingot;
using namespace ingot::test;

namespace {

constexpr double kMillisecondsPerRecord = 1e-3;

}  // namespace

void ingot::test::waitUnlessItHangs(const char* call) {
  if (cudaStub().hangs) report(std::string(call) + " never comes back: the GPU hangs");
  else waitForAll();
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
  stream->add([record = event->last] { *record = {true, cudaStub().milliseconds += kMillisecondsPerRecord}; });
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
