// The peak of matrix products by a cuBLASLt that multiplies nothing: what it asks for, and every call made to fail once.
#include "runtime/device/cuda/cublas_lt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/support/cuda_stub/cuda_stub.h"

namespace ingot::test {
namespace {

using ::testing::HasSubstr;

const std::string kDriver = std::string(INGOT_BINARY_DIR) + "/stub/libcuda.so.1",
                  kLibrary = std::string(INGOT_BINARY_DIR) + "/stub/libcublasLt.so.13";
constexpr int64_t kSize = 64;

class CublasLtTest : public ::testing::Test {
 protected:
  CublasLtTest() { stub.reset(); }
  ~CublasLtTest() override {
    EXPECT_EQ(stub.live, 0);
    EXPECT_THAT(stub.problems, ::testing::IsEmpty());
  }
  Result<double> measure(MatrixType type) {
    INGOT_ASSIGN(const CudaDriver* driver, openCudaDriver(kDriver));
    INGOT_ASSIGN(std::vector<CudaDeviceInfo> gpus, listCudaDevices(*driver));
    INGOT_ASSIGN(auto device, CudaDevice::open(*driver, gpus.at(0)));
    const char* libraries[] = {"libcublasLt-that-is-not.so", kLibrary.c_str()};
    INGOT_ASSIGN(CublasLt library, openCublasLt(libraries));
    return matrixPeak(library, *device, type, kSize);
  }
  CudaStub& stub = cudaStub();
};

TEST_F(CublasLtTest, TheFastestWayCounts) {
  for (MatrixType type : {MatrixType::f16, MatrixType::int8}) {
    auto peak = measure(type);
    ASSERT_TRUE(peak.ok()) << peak.status().message();
    EXPECT_NEAR(*peak, 2e3 * kSize * kSize * kSize, 1e-3 * *peak) << "a product of a millisecond";
  }
}

TEST_F(CublasLtTest, EveryCallThatFailsIsAStatus) {
  ASSERT_TRUE(measure(MatrixType::f16).ok());
  auto calls = static_cast<int64_t>(stub.calls.size());
  for (int64_t at = 0; at < calls; ++at) {
    stub.reset();
    stub.failAt = at;
    auto peak = measure(MatrixType::f16);
    std::string name = stub.calls[static_cast<size_t>(at)];
    EXPECT_EQ(stub.live, 0) << "after call " << at << ", " << name;
    // What gives back may fail: nothing is to be done about it. The driver was there before.
    if (name.find("Destroy") != std::string::npos || name.find("Free") != std::string::npos || name.find("Release") != std::string::npos) continue;
    if (at == calls - 1 || name == "cuInit") continue;
    if (peak.ok()) EXPECT_THAT(name, ::testing::AnyOf("cuCtxSetCurrent", "cuEventRecord", "cuEventQuery")) << "call " << at;
    else EXPECT_THAT(peak.status().message(), HasSubstr(name)) << "call " << at;
  }
}

TEST_F(CublasLtTest, WhatIsNotHereIsSaid) {
  const char* none[] = {"libcublasLt-that-is-not.so"};
  EXPECT_EQ(openCublasLt(none).status().message(), "libcublasLt.so is not here");
  EXPECT_THAT(openCublasLt(std::array{kDriver.c_str()}).status().message(), HasSubstr("has no cublasLtCreate"));
}

}  // namespace
}  // namespace ingot::test
