// One persistent team of threads that walks a program of steps together. Tiles of a step are handed out in order to whoever is
// free; a step ends when its last tile is done, not when everybody arrived: a worker that lost its core holds up only the
// tiles it took. Waits spin briefly, then yield; an idle team sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace ingot {

// Work that the team does together.
class TeamWork {
 public:
  virtual ~TeamWork() = default;
  virtual int64_t steps() const = 0;
  virtual int64_t tiles(int64_t step) const = 0;  // at most ThreadTeam::kMaxTiles
  // Computes tiles [first, last) of `step`; called by several workers at once with disjoint ranges.
  virtual void compute(int64_t step, int64_t first, int64_t last, int worker) = 0;
};

// Thread-compatible: one run() at a time. The caller is worker 0.
class ThreadTeam {
 public:
  static constexpr int64_t kMaxTiles = (1 << 24) - 1;

  // Fewer where the system starts no more.
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;

  int threads() const { return threads_; }
  // Runs all steps of `work`; returns when the last tile is done. Allocates nothing once the longest program was seen.
  void run(TeamWork& work);

 private:
  // `state` is run (16 bits), tiles (24) and the first tile that nobody has (24) in one word, so that a worker that comes late,
  // even in a later run, can take no tile that is not there. `done` counts finished tiles.
  struct alignas(64) Step {
    std::atomic<uint64_t> state{0};
    std::atomic<int64_t> done{0};
  };
  // The steps of one run, and of later ones that are not longer. Never freed before the team: a late worker may hold it.
  struct Steps {
    explicit Steps(int64_t capacity) : capacity(capacity), steps(new Step[static_cast<size_t>(capacity)]) {}
    int64_t capacity;
    std::unique_ptr<Step[]> steps;
    std::atomic<int64_t> count{0};
  };
  void serve(int worker);
  void walk(uint32_t run, int worker);
  bool takePart(Step& step, int64_t index, uint32_t run, int worker);
  bool waitFor(const Step& step, uint32_t run) const;

  int threads_ = 1;
  std::vector<std::thread> workers_;
  std::atomic<TeamWork*> work_{nullptr};
  std::vector<std::unique_ptr<Steps>> kept_;  // the last one is in use
  std::atomic<Steps*> current_{nullptr};
  alignas(64) std::atomic<uint32_t> run_{0};  // counts runs
  std::atomic<bool> stopping_{false};
};

}  // namespace ingot
