// Streams of a GPU that is as late as can be: it does its work when somebody waits for it, and reads and writes the host's memory only then.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "runtime/device/cuda/driver.h"

struct ingot::CudaStreamTag {
  ingot::CudaGraphTag* capture = nullptr;
  std::deque<std::function<void()>> work;  // that nobody has waited for yet
};
struct ingot::CudaGraphTag {
  std::vector<std::function<void()>> launches;
};
struct ingot::CudaGraphExecTag : ingot::CudaGraphTag {};
struct ingot::CudaEventTag {
  struct Record {
    bool isDone = false;
    double milliseconds = 0;
  };
  std::shared_ptr<Record> last;
  ingot::CudaStreamTag* stream = nullptr;  // where that was recorded
};

namespace ingot::test {

inline std::set<CudaStreamTag*> streams;
inline std::mutex streamsMutex;

inline void runNext(CudaStreamTag& stream) {
  auto work = std::move(stream.work.front());
  stream.work.pop_front();
  work();
}
inline void waitFor(CudaStreamTag& stream) {
  while (!stream.work.empty()) runNext(stream);
}
// As memory is given back.
inline void waitForAll() {
  std::lock_guard lock(streamsMutex);
  for (CudaStreamTag* stream : streams) waitFor(*stream);
}

}  // namespace ingot::test
