#include "compiler/support/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace ingot {

Status parallelFor(size_t count, int jobs, const std::function<Status(size_t)>& work) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status failed;
  auto loop = [&] {
    for (size_t i; (i = next++) < count;) {
      Status status = work(i);
      if (status.ok()) continue;
      std::lock_guard lock(mutex);
      if (failed.ok()) failed = std::move(status);
      next = count;
    }
  };
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < std::min(static_cast<size_t>(std::max(jobs, 1)), count); ++i) helpers.emplace_back(loop);
  loop();
  for (auto& helper : helpers) helper.join();
  return failed;
}

}  // namespace ingot
