// A block, and its threads: fibers on stacks of their own.
#pragma once

#include "tests/simt/fiber.h"
#include "tests/simt/report.h"

namespace simt {

struct Index {
  unsigned x, y, z;
};

enum class Waiting : int { no, warp, tile, block, cluster, grid, barrier, launches, done };

constexpr int kLanes = 32;
constexpr int kMaxThreads = 1024;
constexpr unsigned kMostBlocks = 4;  // at once
constexpr unsigned kCanary = 0x5ca1ab1e;

struct Block;

// A copy to shared memory that has begun and not arrived (copies.h).
struct Copy {
  void* to;
  const void* from;
  void* shadow;  // of the element
  long long element;
  unsigned group;  // of the thread's copies
};
constexpr unsigned kMaxCopies = 64;

// A warpgroup's product that has begun and not been waited for (products.h).
struct Product {
  void (*compute)(const Product&);
  void* sums;
  unsigned channels[2][8];  // 16 columns of the thread's two channels, or 32 of codes
  void *x, *lines;          // arrays in shared memory; of the channels where they lie there
  int firstX, firstLine, unit;
  bool keeps;
  unsigned group;  // of the thread's products
};
constexpr unsigned kMaxProducts = 16;

// A copy that a barrier counts (barriers.h).
struct Bulk {
  void* to;
  const void* from;
  void *shadow, *barrier;
  int bytes;  // that the barrier counts
};
constexpr unsigned kMaxBulks = 1 << 14;

// A thread of the block; lies at the lower end of its own stack.
struct Thread {
  unsigned canary;
  Waiting waiting;
  Index threadIndex;
  Block* block;
  void* stack;
  const char* at;                  // the collective that it waits in
  unsigned collectives;            // that it has passed with its warp
  unsigned warpEpoch;              // barriers of its warp that it has passed, for races
  unsigned long long sent[2];      // what it shows its warp in this collective, and in the one before
  unsigned fragments[2][6];        // of a matrix product
  Copy copies[kMaxCopies];         // on their way
  unsigned numCopies, copyGroups;  // groups that are closed
  Product products[kMaxProducts];
  unsigned numProducts, productGroups;
  void* barrier;  // that it waits at, for the end of a phase of that parity
  unsigned parity;
  bool (*hasPassed)(Thread&);
  bool hasArrivedAtGrid;  // of the grid, and not waited for the others
  unsigned shows;         // calls of fenceProxyAsync

  void wait(Waiting what, const char* name);
};

static inline void poison(void* storage, unsigned long long bytes) {
  for (unsigned long long i = 0; i < bytes; ++i) ((volatile char*)storage)[i] = (char)0xff;
}

struct Block {
  Index blockIndex, gridSize;
  int lastTile;  // of blocks that take turns
  const char* kernel;
  unsigned threads, epoch;  // barriers of the whole block so far
  unsigned tileThreads;     // that meet at a barrier of the tile
  bool awaits;              // a thread has asked for the end of the launches in front
  unsigned long long random;
  void* stack;  // of the scheduler
  void (*body)(Block&);
  const IngotKernelArgs* args;
  char* storage;
  char* stacks;
  Bulk* bulks;  // under way
  unsigned numBulks;
  Block* cluster;  // the first one of its blocks

  Thread& thread(unsigned i) { return *(Thread*)(stacks + i * kStackBytes); }
  unsigned next() { return (unsigned)((random = random * 6364136223846793005ull + 1442695040888963407ull) >> 33); }
};

// The running thread: stacks are aligned to their size.
static inline __attribute__((always_inline)) Thread& self() {
  return *(Thread*)((unsigned long long)__builtin_frame_address(0) & ~(kStackBytes - 1));
}

[[noreturn]] __attribute__((noinline)) static void fault(Block& block, long long thread, const char* what, long long number = -1) {
  Line line;
  line << "simt: kernel " << block.kernel << ", block " << (long long)block.blockIndex.x << ", thread " << thread << ": " << what;
  if (number >= 0) line << " " << number;
  (line << "\n").write();
  __builtin_trap();
}

__attribute__((noinline)) inline void Thread::wait(Waiting what, const char* name) {
  waiting = what;
  at = name;
  ingotSimtSwitch(&stack, block->stack);
}

}  // namespace simt
