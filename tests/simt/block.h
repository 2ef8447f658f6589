// One block at a time: its threads, barriers, and the order in which threads run.
#pragma once

#include "tests/simt/fiber.h"
#include "tests/simt/report.h"

namespace simt {

struct Index {
  unsigned x, y, z;
};

enum class Waiting : int { no, warp, tile, block, cluster, grid, barrier, done };

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
  bool hasEndedTurn;  // of the grid, and not waited for the others

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

// What a new stack begins with. Never returns.
static void threadMain() {
  Thread& thread = self();
  thread.block->body(*thread.block);
  if (thread.numCopies) fault(*thread.block, thread.threadIndex.x, "ends before its copies have arrived");
  if (thread.numProducts) fault(*thread.block, thread.threadIndex.x, "ends before its products");
  thread.wait(Waiting::done, "its end");
}

// Runs the ready threads of a warp, in a random rotation and direction. False when none was ready.
static bool runWarp(Block& block, unsigned warp) {
  unsigned first = warp * kLanes, lanes = block.threads - first < kLanes ? block.threads - first : kLanes;
  unsigned turn = block.next() % lanes, step = block.next() % 2 ? 1 : lanes - 1;
  bool ran = false;
  for (unsigned i = 0; i < lanes; ++i) {
    Thread& thread = block.thread(first + (turn + i * step) % lanes);
    if (thread.waiting != Waiting::no) continue;
    ran = true;
    ingotSimtSwitch(&block.stack, thread.stack);
    if (thread.canary != kCanary) fault(block, thread.threadIndex.x, "its stack is too small");
  }
  return ran;
}

// Lets threads [first, last) go when all of them wait at one place. False when not all do.
static bool release(Block& block, unsigned first, unsigned last, Waiting what) {
  Thread& one = block.thread(first);
  for (unsigned i = first; i < last; ++i) {
    Thread& thread = block.thread(i);
    if (thread.waiting != what) return false;
    if (thread.at != one.at) fault(block, i, "its warp is in two collectives at once");
  }
  for (unsigned i = first; i < last; ++i) {
    Thread& thread = block.thread(i);
    thread.waiting = Waiting::no;
    ++thread.warpEpoch;
  }
  return true;
}

// Lets every warp run as far as it can, and the block over a barrier that all have reached. False when nothing moved.
static bool advance(Block& block) {
  unsigned warps = (block.threads + kLanes - 1) / kLanes, turn = block.next() % warps;
  bool progress = false;
  for (unsigned w = 0; w < warps; ++w) {
    unsigned warp = (w + turn) % warps, first = warp * kLanes, last = first + kLanes < block.threads ? first + kLanes : block.threads;
    for (unsigned i = first; i < last; ++i)
      if (Thread& thread = block.thread(i); thread.waiting == Waiting::barrier && thread.hasPassed(thread)) thread.waiting = Waiting::no;
    while (runWarp(block, warp)) {
      progress = true;
      release(block, first, last, Waiting::warp);
    }
  }
  if (!release(block, 0, block.threads, Waiting::block) && !(block.tileThreads && release(block, 0, block.tileThreads, Waiting::tile)))
    return progress;
  ++block.epoch;
  return true;
}

static bool allWait(Block& block, Waiting what) {
  for (unsigned i = 0; i < block.threads; ++i)
    if (block.thread(i).waiting != what) return false;
  return true;
}

static void expectDone(Block& block) {
  for (unsigned i = 0; i < block.threads; ++i)
    if (block.thread(i).waiting != Waiting::done) fault(block, i, "waits at a barrier that other threads never reach");
}

// Lets all blocks go when all of them wait at one barrier. False when not all do.
static bool releaseAll(Block* blocks, unsigned count, Waiting what) {
  for (unsigned b = 0; b < count; ++b)
    if (!allWait(blocks[b], what)) return false;
  for (unsigned b = 0; b < count; ++b) {
    release(blocks[b], 0, blocks[b].threads, what);
    ++blocks[b].epoch;
  }
  return true;
}

// Runs blocks side by side until all have ended.
static void runToEnd(Block* blocks, unsigned count) {
  while (true) {
    unsigned done = 0;
    bool progress = false;
    for (unsigned b = 0; b < count; ++b) {
      progress = advance(blocks[b]) || progress;
      done += allWait(blocks[b], Waiting::done);
    }
    if (done == count) return;
    if (releaseAll(blocks, count, Waiting::cluster) || releaseAll(blocks, count, Waiting::grid) || progress) continue;
    for (unsigned b = 0; b < count; ++b) expectDone(blocks[b]);
  }
}

// Tiles with more shared memory than a kernel's own have copies that barriers count.
template <class Tile>
constexpr unsigned long long bulkBytesOf() {
  if constexpr (requires { Tile::kDynamicBytes; }) return kMaxBulks * sizeof(Bulk);
  else return 0;
}

template <class Tile>
constexpr unsigned clusterOf() {
  if constexpr (requires { Tile::kCluster; }) return Tile::kCluster;
  else return 1;
}

template <class Tile>
static void runBody(Block& block) {
  const IngotBatch& batch = *block.args->batch;
  void* const* operands = block.args->operands;
  auto& storage = *(typename Tile::Storage*)block.storage;
  int index = (int)block.blockIndex.x;
  if constexpr (requires { Tile::prefetch(batch, operands, index, storage); }) Tile::prefetch(batch, operands, index, storage);
  Tile::run(batch, operands, index, storage);
}

// Of one block: the number of blocks so far (it seeds the order), its shared memory, then the stacks, then copies under way.
template <class Tile>
static void prepareBlock(Block& block, const char* kernel, const IngotKernelArgs* args, long long tile, char* scratch) {
  constexpr unsigned long long kFront = 64, kStorage = (sizeof(typename Tile::Storage) + 63) / 64 * 64;
  static_assert(kFront + kStorage + (Tile::kThreads + 1) * kStackBytes + bulkBytesOf<Tile>() <= INGOT_SIMT_SCRATCH_BYTES,
                "the emulator's scratch is too small");
  static_assert(Tile::kThreads % kLanes == 0 && Tile::kThreads <= kMaxThreads, "a block is whole warps, at most 1024 threads");
  block.kernel = kernel;
  block.args = args;
  block.threads = Tile::kThreads;
  block.body = runBody<Tile>;
  block.storage = scratch + kFront;
  block.stacks = (char*)(((unsigned long long)block.storage + kStorage + kStackBytes - 1) & ~(kStackBytes - 1));
  block.blockIndex = {(unsigned)tile, 0, 0};
  block.bulks = (Bulk*)(block.stacks + Tile::kThreads * kStackBytes);
  block.epoch = block.tileThreads = block.numBulks = 0;
  block.random = ++*(unsigned long long*)scratch * 0x9e3779b97f4a7c15ull;
  poison(block.storage, sizeof(typename Tile::Storage));
  for (unsigned i = 0; i < block.threads; ++i) {
    Thread& thread = block.thread(i);
    char* top = (char*)&thread + kStackBytes;
    thread.canary = kCanary;
    thread.waiting = Waiting::no;
    thread.threadIndex = {i, 0, 0};
    thread.block = &block;
    thread.collectives = thread.warpEpoch = thread.numCopies = thread.copyGroups = thread.numProducts = thread.productGroups = 0;
    thread.stack = prepareStack(top, threadMain);
  }
}

template <class Tile>
static void runBlocks(const char* kernel, const IngotKernelArgs* args, long long first, long long last, void* scratch) {
  if constexpr (requires { Tile::kAtOnce; }) {
    Block blocks[kMostBlocks];
    unsigned count = (unsigned)(last - first);
    if (count > kMostBlocks) __builtin_trap();
    for (unsigned b = 0; b < count; ++b) {
      blocks[b].gridSize = {count, 1, 1};
      prepareBlock<Tile>(blocks[b], kernel, args, first + b, (char*)scratch + b * INGOT_SIMT_SCRATCH_BYTES);
    }
    runToEnd(blocks, count);
  } else {
    // A cluster belongs to who has its first block. Those that take turns are a few, which share the tiles.
    constexpr unsigned kCluster = clusterOf<Tile>();
    Block blocks[kCluster];
    long long begin = (first + kCluster - 1) / kCluster * kCluster, end = Tile::count(*args->batch), count = end;
    if (end > last) end = last + (kCluster - last % kCluster) % kCluster;
    if constexpr (requires { Tile::kTakesTurns; }) count = kCluster * (1 + *(unsigned long long*)scratch % 3);
    for (long long tile = begin; tile < end && tile < begin + count; tile += kCluster) {
      for (unsigned b = 0; b < kCluster; ++b) {
        prepareBlock<Tile>(blocks[b], kernel, args, tile + b, (char*)scratch + b * INGOT_SIMT_SCRATCH_BYTES);
        blocks[b].cluster = blocks;
        blocks[b].gridSize = {(unsigned)count, 1, 1};
        blocks[b].lastTile = (int)end;
      }
      runToEnd(blocks, kCluster);
    }
  }
}

}  // namespace simt
