// A libcublasLt.so.13 without a GPU. It shares the state of the driver stub, which records its calls, counts live objects, fails the call that a test
// selects, and keeps the clock. A product takes a millisecond, or two with the second proposed algorithm.
#include "runtime/device/cuda/cublas_lt.h"
#include "tests/support/cuda_stub/cuda_stub.h"
#include "tests/support/cuda_stub/streams.h"

#define INGOT_EXPORT extern "C" __attribute__((visibility("default")))

using namespace ingot;
using ingot::test::cudaStub;

struct ingot::CublasLtHandleTag {};
struct ingot::CublasLtMatmulTag {};
struct ingot::CublasLtLayoutTag {
  int type;
};
struct ingot::CublasLtPreferenceTag {};

namespace {

constexpr int kNotSupported = 15;

template <class T>
int create(T** out, const char* call, T value = {}) {
  if (int error = cudaStub().enter(call)) return error;
  *out = new T(value);
  ++cudaStub().live;
  return 0;
}
template <class T>
int destroy(T* one, const char* call) {
  int error = cudaStub().enter(call);
  delete one;
  --cudaStub().live;
  return error;
}

}  // namespace

INGOT_EXPORT int cublasLtCreate(CublasLtHandleTag** handle) { return create(handle, "cublasLtCreate"); }
INGOT_EXPORT int cublasLtDestroy(CublasLtHandleTag* handle) { return destroy(handle, "cublasLtDestroy"); }
INGOT_EXPORT int cublasLtMatmulDescCreate(CublasLtMatmulTag** matmul, int, int) { return create(matmul, "cublasLtMatmulDescCreate"); }
INGOT_EXPORT int cublasLtMatmulDescDestroy(CublasLtMatmulTag* matmul) { return destroy(matmul, "cublasLtMatmulDescDestroy"); }
INGOT_EXPORT int cublasLtMatmulDescSetAttribute(CublasLtMatmulTag*, int, const void*, size_t) {
  return cudaStub().enter("cublasLtMatmulDescSetAttribute");
}
INGOT_EXPORT int cublasLtMatrixLayoutCreate(CublasLtLayoutTag** layout, int type, uint64_t, uint64_t, int64_t) {
  return create(layout, "cublasLtMatrixLayoutCreate", {type});
}
INGOT_EXPORT int cublasLtMatrixLayoutDestroy(CublasLtLayoutTag* layout) { return destroy(layout, "cublasLtMatrixLayoutDestroy"); }
INGOT_EXPORT int cublasLtMatmulPreferenceCreate(CublasLtPreferenceTag** preference) { return create(preference, "cublasLtMatmulPreferenceCreate"); }
INGOT_EXPORT int cublasLtMatmulPreferenceDestroy(CublasLtPreferenceTag* preference) { return destroy(preference, "cublasLtMatmulPreferenceDestroy"); }
INGOT_EXPORT int cublasLtMatmulPreferenceSetAttribute(CublasLtPreferenceTag*, int, const void*, size_t) {
  return cudaStub().enter("cublasLtMatmulPreferenceSetAttribute");
}
INGOT_EXPORT int cublasLtMatmulAlgoGetHeuristic(CublasLtHandleTag*, CublasLtMatmulTag*, CublasLtLayoutTag*, CublasLtLayoutTag*, CublasLtLayoutTag*,
                                                CublasLtLayoutTag*, CublasLtPreferenceTag*, int wanted, CublasLtCandidate* candidates, int* found) {
  *found = std::min(wanted, 3);
  for (int i = 0; i < *found; ++i) candidates[i] = {.algorithm = {{static_cast<uint64_t>(i)}}, .state = i == 2 ? kNotSupported : 0};
  return cudaStub().enter("cublasLtMatmulAlgoGetHeuristic");
}
INGOT_EXPORT int cublasLtMatmul(CublasLtHandleTag*, CublasLtMatmulTag*, const void*, CudaPointer, CublasLtLayoutTag*, CudaPointer, CublasLtLayoutTag*,
                                const void*, CudaPointer, CublasLtLayoutTag*, CudaPointer, CublasLtLayoutTag*, const CublasLtAlgorithm* algorithm,
                                CudaPointer, size_t, CudaStreamTag* stream) {
  if (algorithm->data[0] > 1) cudaStub().problems.push_back("a product in a way that is not supported");
  stream->add([isSlow = algorithm->data[0] == 1] { cudaStub().milliseconds += isSlow ? 2 : 1; });
  return cudaStub().enter("cublasLtMatmul");
}
