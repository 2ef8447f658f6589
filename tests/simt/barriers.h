// mbarriers, and copies that complete on them: they arrive when a thread waits for their barrier, and not before. Until then their destination
// must not be accessed. The race check does not know the order that mbarriers establish: a thread that reads too late finds other values, or a
// copy in flight.
#pragma once

#include "tests/simt/copies.h"

namespace simt {

struct Barrier {
  int count, pending, bytes;
  unsigned phase, bulks;  // copies in flight

  void advance() {
    if (pending > 0 || bytes != 0) return;
    pending = count;
    ++phase;
  }
};

static inline void arriveAt(Barrier& barrier, int bytes) {
  Thread& thread = self();
  if (barrier.pending <= 0) fault(*thread.block, thread.threadIndex.x, "arrives at a barrier once too often");
  barrier.bytes += bytes;
  --barrier.pending;
  barrier.advance();
}

// Block `rank` of the cluster; with Blocks == 1 the own block.
template <int Blocks>
static inline Block& blockOf(unsigned rank) {
  Block& own = *self().block;
  return Blocks == 1 ? own : own.cluster[rank];
}
// The same object in the shared memory of another block.
template <class T>
static inline T& inBlock(T& ours, Block& block) {
  return *(T*)(block.storage + ((char*)&ours - self().block->storage));
}

// Marks an element of a block's shared memory as in flight until the barrier's phase completes.
static inline void closeUntil(Block& block, Barrier& barrier, void* to, Shadow& shadow, const void* from, int bytes) {
  if (block.numBulks == kMaxBulks) fault(block, self().threadIndex.x, "has more copies under way than the emulator keeps");
  if (shadow.copier != kNobody) fault(block, self().threadIndex.x, "copies to where a copy is under way");
  __builtin_memset(&shadow, 0xff, sizeof shadow);
  shadow.copier = (unsigned short)self().threadIndex.x;
  block.bulks[block.numBulks++] = {to, from, &shadow, &barrier, bytes};
  ++barrier.bulks;
}

// Starts the copy of a 16-byte chunk to a block; `from` null: the data are out of bounds and must not be used.
static inline void beginBulk(Block& block, void* to, Shadow& shadow, const void* from, Barrier& barrier) {
  closeUntil(block, barrier, to, shadow, from, kCopyBytes);
  __builtin_memset(to, 0xff, kCopyBytes);
}

// Completes the copies of a barrier. Their writes are recorded in the previous epoch, so they are ordered before all accesses of this one.
static inline void finishBulks(Block& block, Barrier& barrier) {
  if (barrier.bulks == 0) return;
  unsigned left = 0;
  for (unsigned i = 0; i < block.numBulks; ++i) {
    Bulk bulk = block.bulks[i];
    if (bulk.barrier != &barrier) {
      block.bulks[left++] = bulk;
      continue;
    }
    Shadow& shadow = *(Shadow*)bulk.shadow;
    shadow.copier = kNobody;
    shadow.write = {block.epoch - 1, 0, 0, 0};
    if (bulk.from) __builtin_memcpy(bulk.to, bulk.from, kCopyBytes);
    barrier.bytes -= bulk.bytes;
  }
  block.numBulks = left;
  barrier.bulks = 0;
  barrier.advance();
}

static bool hasPassed(Thread& thread) {
  Barrier& barrier = *(Barrier*)thread.barrier;
  finishBulks(*thread.block, barrier);
  return barrier.phase % 2 != thread.parity;
}

}  // namespace simt

template <int N>
struct SharedBarriers {
  simt::Barrier values[N];
};
static inline int lastTile(int) { return simt::self().block->lastTile; }
template <int N>
static inline void initBarrier(SharedBarriers<N>& barriers, int i, int count) {
  barriers.values[i] = {count, count, 0, 0, 0};
}
static inline void fenceBarrierInit() {}
template <int Blocks, int N>
static inline void arrive(SharedBarriers<N>& barriers, int i, unsigned rank) {
  if (rank >= Blocks) simt::fault(*simt::self().block, simt::self().threadIndex.x, "arrives at a block that its cluster lacks,", rank);
  simt::arriveAt(simt::inBlock(barriers.values[i], simt::blockOf<Blocks>(rank)), 0);
}
// Reads what the block wrote before the last barrier of the cluster.
template <int Blocks, class T, int N>
static inline T loadFrom(SharedArray<T, N>& from, int i, unsigned rank) {
  if (rank >= Blocks) simt::fault(*simt::self().block, simt::self().threadIndex.x, "reads from a block that its cluster lacks,", rank);
  from.expectInside(i);
  return simt::inBlock(from.values[i], simt::blockOf<Blocks>(rank));
}
// The emulator schedules tiles statically.
static inline int claimTile(int cluster, int blocks, int) { return cluster + (int)simt::self().block->gridSize.x / blocks; }
template <int N>
static inline int readTile(SharedArray<int, N>& from, int i) {
  from.expectInside(i);
  return from.values[i];
}
template <int N>
static inline void arriveExpectBytes(SharedBarriers<N>& barriers, int i, int bytes) {
  simt::arriveAt(barriers.values[i], bytes);
}
template <int Blocks, int N>
static inline void expectTile(SharedBarriers<N>& barriers, int i) {
  if (Blocks > 1) arriveExpectBytes(barriers, i, 4);
}
template <int Blocks, int N>
static inline void broadcastTile(SharedArray<int, N>& to, int i, int value, SharedBarriers<N>& barriers, unsigned rank) {
  if (rank >= Blocks) simt::fault(*simt::self().block, simt::self().threadIndex.x, "tells a block that its cluster lacks,", rank);
  to.expectInside(i);
  simt::Block& block = simt::blockOf<Blocks>(rank);
  simt::inBlock(to.values[i], block) = value;
  simt::Barrier& barrier = simt::inBlock(barriers.values[i], block);
  if (Blocks == 1) return simt::arriveAt(barrier, 0);
  barrier.bytes -= 4;
  barrier.advance();
}
template <int N>
static inline void awaitBarrier(SharedBarriers<N>& barriers, int i, unsigned parity) {
  simt::Thread& thread = simt::self();
  thread.barrier = &barriers.values[i];
  thread.parity = parity;
  thread.hasPassed = simt::hasPassed;
  thread.wait(simt::Waiting::barrier, "awaitBarrier");
}
template <class T, int N, int B>
static inline void copyBytes(SharedArray<T, N>& to, int i, const void* from, int bytes, SharedBarriers<B>& barriers, int barrier) {
  static_assert(sizeof(T) == simt::kCopyBytes);
  if (bytes % simt::kCopyBytes || (unsigned long long)from % simt::kCopyBytes)
    simt::fault(*simt::self().block, simt::self().threadIndex.x, "copies what is no multiple of 16 bytes");
  for (int chunk = 0; chunk < bytes / simt::kCopyBytes; ++chunk) {
    to.expectInside(i + chunk);
    simt::beginBulk(*simt::self().block, &to.values[i + chunk], to.shadows[i + chunk], (const char*)from + chunk * simt::kCopyBytes,
                    barriers.values[barrier]);
  }
}
// The map may have more rows than the batch, with undefined contents.
template <int Rows, int Columns, int Blocks, class T, int N, int B>
static inline void copyRows(SharedArray<T, N>& to, int i, void* const* operands, long long rowBytes, int rows, int row, int column,
                            SharedBarriers<B>& barriers, int barrier) {
  for (int r = 0; r < Rows; ++r)
    for (int chunk = 0; chunk < 8; ++chunk) {
      int at = i + r * 8 + (chunk ^ r % 8);
      long long first = column * (128ll / Columns) + chunk * simt::kCopyBytes;
      to.expectInside(at);
      bool isThere = row + r < rows && first < rowBytes;
      const char* from = isThere ? (const char*)operands[0] + (row + r) * rowBytes + first : nullptr;
      for (unsigned rank = 0; rank < Blocks; ++rank) {
        simt::Block& block = simt::blockOf<Blocks>(rank);
        simt::beginBulk(block, &simt::inBlock(to.values[at], block), simt::inBlock(to.shadows[at], block), from,
                        simt::inBlock(barriers.values[barrier], block));
      }
    }
}
template <class T, int N, int B>
static inline void storeBeforeArrive(SharedArray<T, N>& to, int i, const T& value, SharedBarriers<B>& barriers, int barrier) {
  to.expectInside(i);
  simt::closeUntil(*simt::self().block, barriers.values[barrier], &to.values[i], to.shadows[i], nullptr, 0);
  simt::noteStorer(to.shadows[i]);
  to.values[i] = value;
}
template <int Count>
static inline void releaseRegisters() {}
template <int Count>
static inline void acquireRegisters() {}
