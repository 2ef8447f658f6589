// Streams of a GPU that is as late as possible: work runs, and reads and writes host memory, only when a call waits for it. Launches that may begin
// early, before those in front of them have ended (programmatic dependent launch), do so.
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
// `run` gets the unfinished work in front of it, if any, and calls it before it needs its results.
struct Work {
  std::function<void(const Action& inFront)> run;
  bool isLaunch = false, isEarly = false;  // isEarly: may begin before a launch in front of it has ended
};

}  // namespace ingot::test

struct ingot::CudaStreamTag {
  ingot::CudaGraphTag* capture = nullptr;
  std::deque<ingot::test::Work> work;  // not run yet

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
  ingot::CudaStreamTag* stream = nullptr;  // of the last record
};

namespace ingot::test {

inline std::set<CudaStreamTag*> streams;
inline std::mutex streamsMutex;

// Up to this many launches begin early at a time; the number takes turns from 1 to this.
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
// Drops the work of streams that were never destroyed.
inline void forgetWork() {
  std::lock_guard lock(streamsMutex);
  for (CudaStreamTag* stream : streams) stream->work.clear();
}
// As freeing memory does.
inline void waitForAll() {
  std::lock_guard lock(streamsMutex);
  for (CudaStreamTag* stream : streams) waitFor(*stream);
}

}  // namespace ingot::test
