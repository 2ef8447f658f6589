// A libcuda.so.1 without a GPU: it records every call, fails the one that a test names, counts what is not given back, and runs
// launches on the host where a file with a cuda-emulated variant says how, once somebody waits for them. Calls may come from several
// threads, with memory from one of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ingot::test {

struct __attribute__((visibility("default"))) CudaStub {
  // What the GPU is.
  std::string name = "Stub GPU";
  int gpus = 1, major = 8, minor = 0, driverVersion = 13000, sharesMemory = 0;
  uint64_t memoryBytes = 1ull << 30;
  // The call to fail, counted from 0, and how; -1: none.
  int64_t failAt = -1;
  int failWith = 999;
  // Nothing ends any more. Or: an event is not there yet when it is asked for so many times.
  bool hangs = false;
  int notReady = 0;
  // How long a launch takes; by its blocks where this is empty.
  std::function<double(const std::string& entry, unsigned blocks)> launchMilliseconds;

  // On the thread of each call, before it is recorded.
  std::function<void(const std::string& call)> before;

  // What happened.
  std::vector<std::string> calls;     // names, with the kernel and its grid for launches
  std::vector<std::string> problems;  // copies outside of allocations, and the like
  int64_t live = 0;                   // objects that are not given back
  uint64_t usedBytes = 0;
  double milliseconds = 0;  // the GPU's clock: copies, launches and records of events move it

  // Records the call; what it returns: success, or the failure that a test wants here.
  int enter(const std::string& call);

  // Kernels run as the file's cuda-emulated variant has them, by their entries; empty: they do nothing.
  void runWith(const std::string& artifact);
  void reset();
};

__attribute__((visibility("default"))) CudaStub& cudaStub();

}  // namespace ingot::test
