#include "tools/ingot/gpu_limits.h"

#include <algorithm>

#include "runtime/device/cuda/cublas_lt.h"

namespace ingot::cli {
namespace {

constexpr int kRounds = 5;

Result<double> copiedBytes(CudaDevice& device) {
  constexpr int kCopies = 4;
  INGOT_ASSIGN(auto memory, device.memorySize());
  size_t bytes = std::min<size_t>(1 << 30, memory.free / 4);
  INGOT_ASSIGN(CudaMemory from, device.allocate(bytes, "a buffer to copy"));
  INGOT_ASSIGN(CudaMemory to, device.allocate(bytes, "a buffer to copy"));
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    INGOT_ASSIGN(double seconds, device.time([&] {
      for (int i = 0; i < kCopies; ++i) INGOT_TRY(device.copyOnDevice(to.pointer(), from.pointer(), bytes));
      return Status();
    }));
    best = std::max(best, 2.0 * kCopies * static_cast<double>(bytes) / seconds);
  }
  return best;
}

Result<double> uploadedBytes(CudaDevice& device) {
  INGOT_ASSIGN(auto memory, device.memorySize());
  size_t bytes = std::min<size_t>(256 << 20, memory.free / 4);
  std::vector<std::byte> from(bytes, std::byte{1});
  INGOT_ASSIGN(CudaMemory to, device.allocate(bytes, "a buffer to upload to"));
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    INGOT_ASSIGN(double seconds, device.time([&] { return device.upload(to.pointer(), from); }));
    best = std::max(best, static_cast<double>(bytes) / seconds);
  }
  return best;
}

// 8192 rows, at which a library for large models is at its best; less where three such matrices do not fit well.
Status measurePeaks(CudaDevice& device, bool hasInt8, GpuLimits& limits) {
  INGOT_ASSIGN(CublasLt library, openCublasLt());
  INGOT_ASSIGN(auto memory, device.memorySize());
  int64_t size = 8192;
  while (size > 256 && static_cast<size_t>(6 * size * size) > memory.free / 4) size /= 2;
  INGOT_ASSIGN(limits.f16, matrixPeak(library, device, MatrixType::f16, size));
  if (!hasInt8) return {};
  INGOT_ASSIGN(limits.int8, matrixPeak(library, device, MatrixType::int8, size));
  return {};
}

}  // namespace

Result<GpuLimits> measureGpu(const Choice& choice, bool hasInt8) {
  INGOT_ASSIGN(auto device, CudaDevice::open(*choice.driver, *choice.gpu));
  GpuLimits limits;
  INGOT_ASSIGN(limits.copiedBytes, copiedBytes(*device));
  INGOT_ASSIGN(limits.uploadedBytes, uploadedBytes(*device));
  Status measured = measurePeaks(*device, hasInt8, limits);
  if (!measured.ok()) limits.notMeasured = measured.message();
  return limits;
}

}  // namespace ingot::cli
