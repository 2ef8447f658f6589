#include "runtime/device/cpu/thread_team.h"

#include <sched.h>

#include <algorithm>
#include <system_error>

namespace ingot {
namespace {

// About 20 us of polling before the core is offered to others, and 200 us before an idle worker sleeps.
constexpr int kSpinsBeforeYield = 1000;
constexpr int kSpinsBeforeSleep = 6000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

constexpr uint64_t pack(uint32_t run, int64_t tiles, int64_t next) {
  return uint64_t{run & 0xffff} << 48 | static_cast<uint64_t>(tiles) << 24 | static_cast<uint64_t>(next);
}
constexpr bool isOf(uint64_t state, uint32_t run) { return state >> 48 == (run & 0xffff); }
constexpr int64_t tilesOf(uint64_t state) { return state >> 24 & 0xffffff; }
constexpr int64_t nextOf(uint64_t state) { return state & 0xffffff; }

}  // namespace

ThreadTeam::ThreadTeam(int threads) {
  try {
    while (threads_ < threads) {
      workers_.emplace_back([this, worker = threads_] { serve(worker); });
      ++threads_;
    }
  } catch (const std::system_error&) {  // the system starts no more
  }
}

ThreadTeam::~ThreadTeam() {
  stopping_ = true;
  run_.fetch_add(1);
  run_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadTeam::run(TeamWork& work) {
  int64_t count = work.steps();
  uint32_t run = run_.load(std::memory_order_relaxed) + 1;
  if (kept_.empty() || count > kept_.back()->capacity) kept_.push_back(std::make_unique<Steps>(count));
  Steps& steps = *kept_.back();
  work_.store(&work, std::memory_order_relaxed);
  steps.count.store(count, std::memory_order_relaxed);
  for (int64_t i = 0; i < count; ++i) {
    Step& step = steps.steps[static_cast<size_t>(i)];
    step.done.store(0, std::memory_order_relaxed);
    step.state.store(pack(run, work.tiles(i), 0), std::memory_order_release);
  }
  current_.store(&steps, std::memory_order_release);
  run_.store(run, std::memory_order_release);
  if (threads_ > 1) run_.notify_all();
  walk(run, 0);
}

void ThreadTeam::serve(int worker) {
  uint32_t seen = 0;
  while (true) {
    for (int spins = 0; run_.load(std::memory_order_acquire) == seen; ++spins) {
      pause();
      if (spins > kSpinsBeforeSleep) run_.wait(seen, std::memory_order_acquire);
    }
    if (stopping_) return;
    seen = run_.load(std::memory_order_acquire);
    walk(seen, worker);
  }
}

void ThreadTeam::walk(uint32_t run, int worker) {
  Steps& steps = *current_.load(std::memory_order_acquire);
  int64_t count = steps.count.load(std::memory_order_relaxed);
  for (int64_t i = 0; i < count; ++i) {
    Step& step = steps.steps[static_cast<size_t>(i)];
    if (!takePart(step, i, run, worker) || !waitFor(step, run)) return;
  }
}

// Takes shares of what is left, at least one tile: large shares first for streaming, small ones at the end for balance.
// False when the run is over.
bool ThreadTeam::takePart(Step& step, int64_t index, uint32_t run, int worker) {
  uint64_t state = step.state.load(std::memory_order_acquire);
  while (isOf(state, run) && nextOf(state) < tilesOf(state)) {
    int64_t tiles = tilesOf(state), first = nextOf(state);
    int64_t last = threads_ == 1 ? tiles : first + std::max<int64_t>(1, (tiles - first) / (2 * threads_));
    if (!step.state.compare_exchange_weak(state, pack(run, tiles, last), std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    work_.load(std::memory_order_relaxed)->compute(index, first, last, worker);
    step.done.fetch_add(last - first, std::memory_order_release);
    state = step.state.load(std::memory_order_acquire);
  }
  return isOf(state, run);
}

bool ThreadTeam::waitFor(const Step& step, uint32_t run) const {
  for (int spins = 0;; ++spins) {
    uint64_t state = step.state.load(std::memory_order_acquire);
    if (!isOf(state, run)) return false;
    if (step.done.load(std::memory_order_acquire) >= tilesOf(state)) return true;
    pause();
    if (spins > kSpinsBeforeYield) sched_yield();
  }
}

}  // namespace ingot
