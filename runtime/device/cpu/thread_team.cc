#include "runtime/device/cpu/thread_team.h"

#include <sched.h>

#include <algorithm>

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

}  // namespace

ThreadTeam::ThreadTeam(int threads) : threads_(std::max(1, threads)) {
  for (int worker = 1; worker < threads_; ++worker) workers_.emplace_back([this, worker] { serve(worker); });
}

ThreadTeam::~ThreadTeam() {
  stopping_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadTeam::run(TeamWork& work) {
  work_ = &work;
  size_t steps = static_cast<size_t>(work.steps());
  if (next_.size() < steps) next_ = std::vector<Counter>(steps);
  for (size_t i = 0; i < steps; ++i) next_[i].value.store(0, std::memory_order_relaxed);
  if (threads_ > 1) {
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
  }
  walk(0);
}

void ThreadTeam::serve(int worker) {
  uint32_t seen = 0;
  while (true) {
    for (int spins = 0; generation_.load(std::memory_order_acquire) == seen; ++spins) {
      pause();
      if (spins > kSpinsBeforeSleep) generation_.wait(seen, std::memory_order_acquire);
    }
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_) return;
    walk(worker);
  }
}

// Takes a share of what is left, at least one tile: large shares first for streaming, small ones at the end for balance.
void ThreadTeam::walk(int worker) {
  TeamWork& work = *work_;
  for (int64_t step = 0, steps = work.steps(); step < steps; ++step) {
    int64_t tiles = work.tiles(step);
    auto& next = next_[static_cast<size_t>(step)].value;
    int64_t first = next.load(std::memory_order_relaxed);
    while (first < tiles) {
      int64_t last = first + std::max<int64_t>(1, (tiles - first) / (2 * threads_));
      if (threads_ == 1) last = tiles;
      if (!next.compare_exchange_weak(first, last, std::memory_order_relaxed)) continue;
      work.compute(step, first, last, worker);
      first = next.load(std::memory_order_relaxed);
    }
    barrier();
  }
}

void ThreadTeam::barrier() {
  if (threads_ == 1) return;
  uint32_t round = passed_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    passed_.store(round + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; passed_.load(std::memory_order_acquire) == round; ++spins) {
    pause();
    if (spins > kSpinsBeforeYield) sched_yield();
  }
}

}  // namespace ingot
