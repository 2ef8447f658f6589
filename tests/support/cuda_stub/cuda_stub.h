// A libcuda.so.1 without a GPU. It records every call, fails the one that a test selects, and counts live objects. With a file that has a
// cuda-emulated variant, it runs launches on the host, as late as possible (streams.h). Calls may come from several threads; memory only from one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ingot::test {

struct __attribute__((visibility("default"))) CudaStub {
  // Properties of the GPU.
  std::string name = "Stub GPU";
  int gpus = 1, major = 8, minor = 0, driverVersion = 13000, sharesMemory = 0;
  uint64_t memoryBytes = 1ull << 30;
  // The index of the call to fail, or -1, and its error.
  int64_t failAt = -1;
  int failWith = 999;
  // hangs: work never ends. notReady: the number of queries of an event that find it not ready.
  bool hangs = false;
  int notReady = 0;
  // Time of a launch; if empty, proportional to its blocks.
  std::function<double(const std::string& entry, unsigned blocks)> launchMilliseconds;

  // Called on the thread of each call, before it is recorded.
  std::function<void(const std::string& call)> before;

  // Observations.
  std::vector<std::string> calls;     // names, with the kernel and its grid for launches
  std::vector<std::string> problems;  // copies outside of allocations, and the like
  int64_t live = 0;                   // objects that were created and not freed
  uint64_t usedBytes = 0;
  double milliseconds = 0;  // the GPU's clock, advanced by copies, launches and event records

  // Records the call. Returns success, or the failure that a test selected for it.
  int enter(const std::string& call);

  // From now on launches run the kernels of the file's cuda-emulated variant with the same entries; before, they do nothing.
  void runWith(const std::string& artifact);
  void reset();
};

__attribute__((visibility("default"))) CudaStub& cudaStub();

}  // namespace ingot::test
