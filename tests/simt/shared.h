// Shared memory that tracks accesses, to detect out-of-bounds accesses, races between barriers, and uninitialised reads.
#pragma once

#include "tests/simt/block.h"

namespace simt {

constexpr unsigned short kNobody = 0xffff, kSeveral = 0xfffe;

// The last write, or read, of an element. All bits set, as poison leaves it, means none.
struct Access {
  unsigned epoch, warpEpoch;
  unsigned short thread, warp;

  bool byAnybody() const { return warp != kNobody; }
  // Whether `now` is unordered with it.
  bool racesWith(const Access& now) const {
    if (!byAnybody() || epoch != now.epoch || thread == now.thread) return false;
    return warp != now.warp || warpEpoch == now.warpEpoch;
  }
  // Several readers between two barriers are merged to one that conflicts with any later writer.
  void add(const Access& now) {
    if (byAnybody() && epoch == now.epoch && thread != now.thread) {
      bool sameWarp = warp == now.warp;
      if (!sameWarp || warpEpoch == now.warpEpoch) {
        thread = kSeveral;
        warpEpoch = now.warpEpoch;
        if (!sameWarp) warp = kSeveral;
        return;
      }
    }
    *this = now;
  }
};

struct Shadow {
  Access write, read, add;  // `add`: an atomic one
  unsigned short copier;    // thread whose copy to it is in flight, or kNobody
  unsigned short storer;    // thread that stored it, or kNobody
  unsigned shows;           // that thread's count of fenceProxyAsync at the time
};

static inline Access accessOf(const Thread& thread) {
  return {thread.block->epoch, thread.warpEpoch, (unsigned short)thread.threadIndex.x, (unsigned short)(thread.threadIndex.x / kLanes)};
}

static inline void expectArrived(const Shadow& shadow, unsigned thread, long long i) {
  if (shadow.copier != kNobody) fault(*self().block, thread, "touches shared memory before a copy to it has arrived, element", i);
}

// wgmma sees data from copies, and from stores that were followed by fenceProxyAsync.
static inline void noteStorer(Shadow& shadow) {
  shadow.storer = (unsigned short)self().threadIndex.x;
  shadow.shows = self().shows;
}
static inline void expectShown(const Shadow& shadow, long long i) {
  Block& block = *self().block;
  if (shadow.storer != kNobody && block.thread(shadow.storer).shows == shadow.shows)
    fault(block, shadow.storer, "has not shown to products what it stored, element", i);
}

__attribute__((noinline)) static void noteRead(Shadow& shadow, long long i) {
  Thread& thread = self();
  Access now = accessOf(thread);
  expectArrived(shadow, now.thread, i);
  if (!shadow.write.byAnybody()) fault(*thread.block, now.thread, "reads shared memory that nobody wrote, element", i);
  if (shadow.write.racesWith(now) || shadow.add.racesWith(now))
    fault(*thread.block, now.thread, "race on shared memory (read after write), element", i);
  shadow.read.add(now);
}

__attribute__((noinline)) static void noteWrite(Shadow& shadow, long long i) {
  Thread& thread = self();
  Access now = accessOf(thread);
  expectArrived(shadow, now.thread, i);
  if (shadow.write.racesWith(now) || shadow.add.racesWith(now))
    fault(*thread.block, now.thread, "race on shared memory (write after write), element", i);
  if (shadow.read.racesWith(now)) fault(*thread.block, now.thread, "race on shared memory (write after read), element", i);
  shadow.write = now;
  noteStorer(shadow);
}

// Atomic additions do not race with each other.
__attribute__((noinline)) static void noteAdd(Shadow& shadow, long long i) {
  Thread& thread = self();
  Access now = accessOf(thread);
  expectArrived(shadow, now.thread, i);
  if (!shadow.write.byAnybody()) fault(*thread.block, now.thread, "adds to shared memory that nobody wrote, element", i);
  if (shadow.write.racesWith(now)) fault(*thread.block, now.thread, "race on shared memory (addition after write), element", i);
  if (shadow.read.racesWith(now)) fault(*thread.block, now.thread, "race on shared memory (addition after read), element", i);
  shadow.add.add(now);
}

}  // namespace simt

template <class T, int N>
struct SharedArray {
  class Reference {
   public:
    Reference(SharedArray& array, int i) : array_(array), i_(i) {}
    operator T() const {
      simt::noteRead(array_.shadows[i_], i_);
      return array_.values[i_];
    }
    Reference& operator=(T value) {
      simt::noteWrite(array_.shadows[i_], i_);
      array_.values[i_] = value;
      return *this;
    }
    Reference& operator=(const Reference& other) { return *this = (T)other; }
    Reference& operator+=(T value) { return *this = (T) * this + value; }

   private:
    SharedArray& array_;
    int i_;
  };
  void expectInside(int i) const {
    if (i < 0 || i >= N) simt::fault(*simt::self().block, simt::self().threadIndex.x, "outside of shared memory, element", i < 0 ? 0 : i);
  }
  Reference operator[](int i) {
    expectInside(i);
    return {*this, i};
  }

  alignas(16) T values[N];
  simt::Shadow shadows[N];
};

template <class T, int N>
static inline T addShared(SharedArray<T, N>& to, int i, T value) {
  to.expectInside(i);
  simt::noteAdd(to.shadows[i], i);
  T before = to.values[i];
  to.values[i] = before + value;
  return before;
}
