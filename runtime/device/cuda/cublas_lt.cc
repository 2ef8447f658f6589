#include "runtime/device/cuda/cublas_lt.h"

#include <dlfcn.h>

#include <algorithm>

namespace ingot {
namespace {

constexpr int kFloat32 = 0, kFloat16 = 2, kInt8 = 3, kInt32 = 10;  // cudaDataType
constexpr int kComputeFloat32 = 68, kComputeInt32 = 72;            // cublasComputeType_t
constexpr int kTransposeA = 3, kMaxWorkspaceBytes = 1;             // attributes of a product and of a preference
constexpr int32_t kTransposed = 1;
constexpr int kNotSupported = 15;

constexpr int kCandidates = 8, kRounds = 3, kProducts = 4;
constexpr size_t kWorkspaceBytes = 32 << 20;

Status check(int error, std::string_view call) {
  if (error == 0) return {};
  return Status::unsupported("{}: cuBLASLt fails with status {}{}", call, error, error == kNotSupported ? ", which is: not supported" : "");
}

// An object from one of the library's Create functions. Not copyable or movable.
template <class Tag>
class Owned {
 public:
  using Destroy = int (*)(Tag*);
  explicit Owned(Destroy destroy) : destroy_(destroy) {}
  Owned(const Owned&) = delete;
  ~Owned() {
    if (one_) destroy_(one_);
  }
  Tag** out() { return &one_; }
  operator Tag*() const { return one_; }

 private:
  Destroy destroy_;
  Tag* one_ = nullptr;
};

// D = A^T B, all square and column-major: the layout that every type has kernels for.
class SquareProduct {
 public:
  SquareProduct(const CublasLt& library, CudaDevice& device, MatrixType type, int64_t size)
      : library_(library), device_(device), isInt8_(type == MatrixType::int8), size_(static_cast<uint64_t>(size)) {}

  Status prepare() {
    int sum = isInt8_ ? kInt32 : kFloat32, element = isInt8_ ? kInt8 : kFloat16, result = isInt8_ ? kInt32 : kFloat16;
    INGOT_TRY(check(library_.cublasLtCreate(handle_.out()), "cublasLtCreate"));
    INGOT_TRY(check(library_.cublasLtMatmulDescCreate(matmul_.out(), isInt8_ ? kComputeInt32 : kComputeFloat32, sum), "cublasLtMatmulDescCreate"));
    INGOT_TRY(
        check(library_.cublasLtMatmulDescSetAttribute(matmul_, kTransposeA, &kTransposed, sizeof(kTransposed)), "cublasLtMatmulDescSetAttribute"));
    INGOT_TRY(
        check(library_.cublasLtMatrixLayoutCreate(factor_.out(), element, size_, size_, static_cast<int64_t>(size_)), "cublasLtMatrixLayoutCreate"));
    INGOT_TRY(
        check(library_.cublasLtMatrixLayoutCreate(result_.out(), result, size_, size_, static_cast<int64_t>(size_)), "cublasLtMatrixLayoutCreate"));
    uint64_t factorBytes = size_ * size_ * (isInt8_ ? 1 : 2), resultBytes = size_ * size_ * (isInt8_ ? 4 : 2);
    INGOT_ASSIGN(a_, device_.allocate(factorBytes, "a matrix"));
    INGOT_ASSIGN(b_, device_.allocate(factorBytes, "a matrix"));
    INGOT_ASSIGN(d_, device_.allocate(resultBytes, "a matrix"));
    INGOT_ASSIGN(workspace_, device_.allocate(kWorkspaceBytes, "the workspace of cuBLASLt"));
    INGOT_TRY(fill(a_));
    return fill(b_);
  }

  Result<std::vector<CublasLtCandidate>> candidates() {
    Owned<CublasLtPreferenceTag> preference(library_.cublasLtMatmulPreferenceDestroy);
    INGOT_TRY(check(library_.cublasLtMatmulPreferenceCreate(preference.out()), "cublasLtMatmulPreferenceCreate"));
    INGOT_TRY(check(library_.cublasLtMatmulPreferenceSetAttribute(preference, kMaxWorkspaceBytes, &kWorkspaceBytes, sizeof(kWorkspaceBytes)),
                    "cublasLtMatmulPreferenceSetAttribute"));
    std::vector<CublasLtCandidate> candidates(kCandidates);
    int found = 0;
    INGOT_TRY(check(library_.cublasLtMatmulAlgoGetHeuristic(handle_, matmul_, factor_, factor_, result_, result_, preference, kCandidates,
                                                            candidates.data(), &found),
                    "cublasLtMatmulAlgoGetHeuristic"));
    candidates.resize(static_cast<size_t>(std::clamp(found, 0, kCandidates)));
    return candidates;
  }

  // Seconds per product, the best of a few rounds.
  Result<double> time(const CublasLtCandidate& candidate) {
    double best = 1e9;
    INGOT_TRY(run(candidate));
    for (int round = 0; round < kRounds; ++round) {
      INGOT_ASSIGN(double seconds, device_.time([&] {
        for (int i = 0; i < kProducts; ++i) INGOT_TRY(run(candidate));
        return Status();
      }));
      best = std::min(best, seconds / kProducts);
    }
    return best;
  }

 private:
  Status run(const CublasLtCandidate& candidate) {
    const float one = 1, none = 0;
    const int32_t intOne = 1, intNone = 0;
    const void *alpha = isInt8_ ? static_cast<const void*>(&intOne) : &one, *beta = isInt8_ ? static_cast<const void*>(&intNone) : &none;
    return check(library_.cublasLtMatmul(handle_, matmul_, alpha, a_.pointer(), factor_, b_.pointer(), factor_, beta, d_.pointer(), result_,
                                         d_.pointer(), result_, &candidate.algorithm, workspace_.pointer(), kWorkspaceBytes, device_.stream()),
                 "cublasLtMatmul");
  }

  // f16 from 0.5 to 1 with random signs; the same bytes are varied int8. Zeros would draw less power and run faster than real weights.
  Status fill(const CudaMemory& matrix) {
    std::vector<uint16_t> pattern(std::min<uint64_t>(matrix.bytes(), 1 << 20) / 2);
    uint32_t state = 1;
    for (uint16_t& one : pattern) one = static_cast<uint16_t>(((state = state * 1664525u + 1013904223u) >> 16 & 0x83ff) | 0x3800);
    return device_.repeat(matrix.pointer(), matrix.bytes(), std::as_bytes(std::span(pattern)));
  }

  const CublasLt& library_;
  CudaDevice& device_;
  bool isInt8_;
  uint64_t size_;
  CudaMemory a_, b_, d_, workspace_;
  Owned<CublasLtHandleTag> handle_{library_.cublasLtDestroy};
  Owned<CublasLtMatmulTag> matmul_{library_.cublasLtMatmulDescDestroy};
  Owned<CublasLtLayoutTag> factor_{library_.cublasLtMatrixLayoutDestroy}, result_{library_.cublasLtMatrixLayoutDestroy};
};

}  // namespace

Result<CublasLt> openCublasLt(std::span<const char* const> libraries) {
  void* handle = nullptr;
  for (const char* library : libraries)
    if (!handle) handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return Status::unsupported("libcublasLt.so is not here");
  CublasLt table;
#define INGOT_CUBLAS_LT_FIND(name, arguments)                                \
  table.name = reinterpret_cast<decltype(table.name)>(dlsym(handle, #name)); \
  if (!table.name) return Status::unsupported("libcublasLt.so has no {}", #name);
  INGOT_CUBLAS_LT_FUNCTIONS(INGOT_CUBLAS_LT_FIND)
#undef INGOT_CUBLAS_LT_FIND
  return table;
}

Result<double> matrixPeak(const CublasLt& library, CudaDevice& device, MatrixType type, int64_t size) {
  SquareProduct product(library, device, type, size);
  INGOT_TRY(product.prepare());
  INGOT_ASSIGN(std::vector<CublasLtCandidate> candidates, product.candidates());
  double best = 0, ops = 2.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
  for (const CublasLtCandidate& candidate : candidates) {
    if (candidate.state != 0) continue;
    INGOT_ASSIGN(double seconds, product.time(candidate));
    best = std::max(best, ops / seconds);
  }
  if (best == 0) return Status::unsupported("cuBLASLt knows no way to multiply {} matrices here", type == MatrixType::int8 ? "int8" : "f16");
  return best;
}

}  // namespace ingot
