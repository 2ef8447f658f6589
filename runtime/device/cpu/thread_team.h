// One persistent team of threads that walks a program of steps together. Tiles of a step are handed out in order to
// whoever is free; a barrier ends the step. Waits spin briefly, then yield; an idle team sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace ingot {

// Work that the team does together. `tiles` may depend on what earlier steps computed only through the caller's data.
class TeamWork {
 public:
  virtual ~TeamWork() = default;
  virtual int64_t steps() const = 0;
  virtual int64_t tiles(int64_t step) const = 0;
  // Computes tiles [first, last) of `step`; called by several workers at once with disjoint ranges.
  virtual void compute(int64_t step, int64_t first, int64_t last, int worker) = 0;
};

// Thread-compatible: one run() at a time. The caller is worker 0.
class ThreadTeam {
 public:
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;

  int threads() const { return threads_; }
  // Runs all steps of `work`; returns when the last tile is done. Allocates nothing once the longest program was seen.
  void run(TeamWork& work);

 private:
  struct alignas(64) Counter {
    std::atomic<int64_t> value{0};
  };
  void serve(int worker);
  void walk(int worker);
  void barrier();

  int threads_;
  std::vector<std::thread> workers_;
  TeamWork* work_ = nullptr;
  std::vector<Counter> next_;               // per step: the first tile that nobody has
  alignas(64) std::atomic<uint32_t> generation_{0};  // odd bit unused; counts runs
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> passed_{0};      // barriers completed
  std::atomic<bool> stopping_{false};
};

}  // namespace ingot
