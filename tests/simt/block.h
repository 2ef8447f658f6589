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
constexpr unsigned kMostBlocks = 4;  // co-resident
constexpr unsigned kCanary = 0x5ca1ab1e;

struct Block;

// A copy to shared memory in flight (copies.h).
struct Copy {
  void* to;
  const void* from;
  void* shadow;  // of the destination element
  long long element;
  unsigned group;  // commit group of the thread
};
constexpr unsigned kMaxCopies = 64;

// A wgmma in flight (products.h).
struct Product {
  void (*compute)(const Product&);
  void* sums;
  unsigned channels[2][8];  // 16 columns of the thread's two channels, or 32 of codes
  void *x, *lines;          // arrays in shared memory: of x, and of the channels if they are there too
  int firstX, firstLine, unit;
  bool keeps;
  unsigned group;  // commit group of the thread
};
constexpr unsigned kMaxProducts = 16;

// A bulk copy in flight (barriers.h).
struct Bulk {
  void* to;
  const void* from;
  void *shadow, *barrier;
  int bytes;  // expected by the barrier
};
constexpr unsigned kMaxBulks = 1 << 14;

// A thread of the block, at the lower end of its own stack.
struct Thread {
  unsigned canary;
  Waiting waiting;
  Index threadIndex;
  Block* block;
  void* stack;
  const char* at;                  // name of the collective that it waits in
  unsigned collectives;            // number passed with its warp
  unsigned warpEpoch;              // number of warp barriers passed, for the race check
  unsigned long long sent[2];      // the word it shows to its warp, in this collective and in the previous one
  unsigned fragments[2][6];        // of an mma
  Copy copies[kMaxCopies];         // in flight
  unsigned numCopies, copyGroups;  // commit groups
  Product products[kMaxProducts];
  unsigned numProducts, productGroups;
  void* barrier;  // that it waits for, with the parity of the phase
  unsigned parity;
  bool (*hasPassed)(Thread&);
  bool hasArrivedAtGrid;  // at the grid barrier, and has not waited there yet
  unsigned shows;         // calls of fenceProxyAsync

  void wait(Waiting what, const char* name);
};

static inline void poison(void* storage, unsigned long long bytes) {
  for (unsigned long long i = 0; i < bytes; ++i) ((volatile char*)storage)[i] = (char)0xff;
}

struct Block {
  Index blockIndex, gridSize;
  int lastTile;  // of a persistent kernel
  const char* kernel;
  unsigned threads, epoch;  // barriers of the whole block so far
  unsigned tileThreads;     // of the barrier in syncTile
  bool awaits;              // some thread has called awaitLaunches
  unsigned long long random;
  void* stack;  // of the scheduler
  void (*body)(Block&);
  const IngotKernelArgs* args;
  char* storage;
  char* stacks;
  Bulk* bulks;  // in flight
  unsigned numBulks;
  Block* cluster;  // first block of the cluster

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
