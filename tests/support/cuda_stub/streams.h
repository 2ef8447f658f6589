// Streams of a GPU that is as late as can be: it does its work when somebody waits for it, and reads and writes the host's memory only then. A launch
// that may begin before those in front of it have ended does so.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "runtime/device/cuda/driver.h"

namespace ingot::test {

typedef std::function<void()> Action;
// Runs, and calls what is in front of it, where there is something, before it needs that.
struct Work {
  std::function<void(const Action& inFront)> run;
  bool isLaunch = false, isEarly = false;  // early: may begin before a launch in front of it has ended
};

}  // namespace ingot::test

struct ingot::CudaStreamTag {
  ingot::CudaGraphTag* capture = nullptr;
  std::deque<ingot::test::Work> work;  // that nobody has waited for yet

  void add(ingot::test::Action action) {
    work.push_back({[action = std::move(action)](const ingot::test::Action&) { action(); }});
  }
};
struct ingot::CudaGraphTag {
  std::vector<ingot::test::Work> launches;
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

// So many launches, in turn, begin before the ones in front of them.
constexpr unsigned kMostEarly = 3;
inline unsigned earlyTurn = 0;

inline void runWith(CudaStreamTag& stream, const Action& inFront, unsigned early) {
  Work work = std::move(stream.work.front());
  stream.work.pop_front();
  Action run = [&] { work.run(inFront); };
  bool nextIsEarly = early > 0 && work.isLaunch && !stream.work.empty() && stream.work.front().isEarly;
  if (nextIsEarly) runWith(stream, run, early - 1);
  else run();
}
inline void runNext(CudaStreamTag& stream) { runWith(stream, {}, 1 + earlyTurn++ % kMostEarly); }
inline void waitFor(CudaStreamTag& stream) {
  while (!stream.work.empty()) runNext(stream);
}
// Of streams that nobody gave back.
inline void forgetWork() {
  std::lock_guard lock(streamsMutex);
  for (CudaStreamTag* stream : streams) stream->work.clear();
}
// As memory is given back.
inline void waitForAll() {
  std::lock_guard lock(streamsMutex);
  for (CudaStreamTag* stream : streams) waitFor(*stream);
}

}  // namespace ingot::test
