// Peak matrix throughput of a GPU, as cuBLASLt reaches it, for benchmarks only. The part of the library that this needs is one table found by
// dlopen; names and values are those of cublasLt.h (CUDA 12 and 13).
#pragma once

#include "runtime/device/cuda/device.h"

namespace ingot {

struct CublasLtHandleTag;
struct CublasLtMatmulTag;
struct CublasLtLayoutTag;
struct CublasLtPreferenceTag;

struct CublasLtAlgorithm {
  uint64_t data[8];
};
// cublasLtMatmulHeuristicResult_t
struct CublasLtCandidate {
  CublasLtAlgorithm algorithm;
  size_t workspaceBytes;
  int state;
  float waves;
  int reserved[4];
};

// Every function returns a cublasStatus_t.
#define INGOT_CUBLAS_LT_FUNCTIONS(X)                                                                                                      \
  X(cublasLtCreate, (CublasLtHandleTag * *handle))                                                                                        \
  X(cublasLtDestroy, (CublasLtHandleTag * handle))                                                                                        \
  X(cublasLtMatmulDescCreate, (CublasLtMatmulTag * *matmul, int computeType, int scaleType))                                              \
  X(cublasLtMatmulDescDestroy, (CublasLtMatmulTag * matmul))                                                                              \
  X(cublasLtMatmulDescSetAttribute, (CublasLtMatmulTag * matmul, int attribute, const void* value, size_t bytes))                         \
  X(cublasLtMatrixLayoutCreate, (CublasLtLayoutTag * *layout, int type, uint64_t rows, uint64_t columns, int64_t leading))                \
  X(cublasLtMatrixLayoutDestroy, (CublasLtLayoutTag * layout))                                                                            \
  X(cublasLtMatmulPreferenceCreate, (CublasLtPreferenceTag * *preference))                                                                \
  X(cublasLtMatmulPreferenceDestroy, (CublasLtPreferenceTag * preference))                                                                \
  X(cublasLtMatmulPreferenceSetAttribute, (CublasLtPreferenceTag * preference, int attribute, const void* value, size_t bytes))           \
  X(cublasLtMatmulAlgoGetHeuristic,                                                                                                       \
    (CublasLtHandleTag * handle, CublasLtMatmulTag * matmul, CublasLtLayoutTag * a, CublasLtLayoutTag * b, CublasLtLayoutTag * c,         \
     CublasLtLayoutTag * d, CublasLtPreferenceTag * preference, int wanted, CublasLtCandidate* candidates, int* found))                   \
  X(cublasLtMatmul,                                                                                                                       \
    (CublasLtHandleTag * handle, CublasLtMatmulTag * matmul, const void* alpha, CudaPointer a, CublasLtLayoutTag* aLayout, CudaPointer b, \
     CublasLtLayoutTag* bLayout, const void* beta, CudaPointer c, CublasLtLayoutTag* cLayout, CudaPointer d, CublasLtLayoutTag* dLayout,  \
     const CublasLtAlgorithm* algorithm, CudaPointer workspace, size_t workspaceBytes, CudaStreamTag* stream))

// Immutable.
struct CublasLt {
#define INGOT_CUBLAS_LT_MEMBER(name, arguments) int(*name) arguments = nullptr;
  INGOT_CUBLAS_LT_FUNCTIONS(INGOT_CUBLAS_LT_MEMBER)
#undef INGOT_CUBLAS_LT_MEMBER
};

// The first library of these that opens, or "libcublasLt.so is not here". It stays loaded. Thread-safe.
constexpr const char* kCublasLtLibraries[] = {"libcublasLt.so.13", "libcublasLt.so.12", "/usr/local/cuda/lib64/libcublasLt.so"};
Result<CublasLt> openCublasLt(std::span<const char* const> libraries = kCublasLtLibraries);

enum class MatrixType { f16, int8 };  // accumulated in f32 and in int32

// Operations per second (2 per multiply-add) for square matrices with `size` rows, by the fastest algorithm that the library proposes.
Result<double> matrixPeak(const CublasLt& library, CudaDevice& device, MatrixType type, int64_t size);

}  // namespace ingot
