// Runs the blocks of a launch one after another; the blocks of a cluster, or of a cooperative launch, concurrently.
#pragma once

#include "tests/simt/schedule.h"

namespace simt {

// Only tiles with dynamic shared memory use bulk copies.
template <class Tile>
constexpr unsigned long long bulkBytesOf() {
  if constexpr (requires { Tile::kDynamicBytes; }) return kMaxBulks * sizeof(Bulk);
  else return 0;
}

// Optional flags of a Tile (kernels/prim/device.cuh).
template <class Tile>
constexpr bool awaitsByItself() {
  if constexpr (requires { Tile::kAwaits; }) return Tile::kAwaits;
  else return false;
}
template <class Tile>
constexpr bool isPersistent() {
  if constexpr (requires { Tile::kPersistent; }) return Tile::kPersistent;
  else return false;
}
template <class Tile>
constexpr bool isCoResident() {
  if constexpr (requires { Tile::kCoResident; }) return Tile::kCoResident;
  else return false;
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
  if constexpr (!awaitsByItself<Tile>()) awaitLaunches();
  Tile::run(batch, operands, index, storage);
}

// Scratch of one block: Front, shared memory, stacks, in-flight bulk copies.
template <class Tile>
static void prepareBlock(Block& block, const char* kernel, const IngotKernelArgs* args, long long tile, char* scratch) {
  constexpr unsigned long long kStorage = (sizeof(typename Tile::Storage) + 63) / 64 * 64;
  static_assert(kFrontBytes + kStorage + (Tile::kThreads + 1) * kStackBytes + bulkBytesOf<Tile>() <= INGOT_SIMT_SCRATCH_BYTES,
                "the emulator's scratch is too small");
  static_assert(Tile::kThreads % kLanes == 0 && Tile::kThreads <= kMaxThreads, "a block is whole warps, at most 1024 threads");
  block.kernel = kernel;
  block.args = args;
  block.threads = Tile::kThreads;
  block.body = runBody<Tile>;
  block.storage = scratch + kFrontBytes;
  block.stacks = (char*)(((unsigned long long)block.storage + kStorage + kStackBytes - 1) & ~(kStackBytes - 1));
  block.blockIndex = {(unsigned)tile, 0, 0};
  block.bulks = (Bulk*)(block.stacks + Tile::kThreads * kStackBytes);
  block.epoch = block.tileThreads = block.numBulks = 0;
  block.awaits = false;
  block.random = ++((Front*)scratch)->blocks * 0x9e3779b97f4a7c15ull;
  poison(block.storage, sizeof(typename Tile::Storage));
  for (unsigned i = 0; i < block.threads; ++i) {
    Thread& thread = block.thread(i);
    char* top = (char*)&thread + kStackBytes;
    thread.canary = kCanary;
    thread.waiting = Waiting::no;
    thread.threadIndex = {i, 0, 0};
    thread.block = &block;
    thread.collectives = thread.warpEpoch = thread.numCopies = thread.copyGroups = thread.numProducts = thread.productGroups = thread.shows = 0;
    thread.stack = prepareStack(top, threadMain);
  }
}

// A GPU runs no block from maxCount() on, so that a tile would be lost.
template <class Tile>
static void expectMaxCount(Block& block, const char* kernel, const IngotBatch& batch) {
  block.kernel = kernel;
  block.blockIndex = {};
  if constexpr (requires { Tile::maxCount(batch); })
    if (Tile::maxCount(batch) < Tile::count(batch)) fault(block, 0, "has a maxCount below its count,", Tile::maxCount(batch));
}

template <class Tile>
static void runBlocks(const char* kernel, const IngotKernelArgs* args, long long first, long long last, void* scratch) {
  Front& front = *(Front*)scratch;
  if constexpr (isCoResident<Tile>()) {
    Block blocks[kMostBlocks];
    unsigned count = (unsigned)(last - first);
    if (count > kMostBlocks) __builtin_trap();
    for (unsigned b = 0; b < count; ++b) {
      blocks[b].gridSize = {count, 1, 1};
      prepareBlock<Tile>(blocks[b], kernel, args, first + b, (char*)scratch + b * INGOT_SIMT_SCRATCH_BYTES);
    }
    runToEnd(blocks, count, front);
  } else {
    // A cluster is run by the caller whose range contains its first block. A persistent grid has a few clusters, which share the tiles.
    constexpr unsigned kCluster = clusterOf<Tile>();
    Block blocks[kCluster];
    long long begin = (first + kCluster - 1) / kCluster * kCluster, end = Tile::count(*args->batch), count = end;
    expectMaxCount<Tile>(blocks[0], kernel, *args->batch);
    if (end > last) end = last + (kCluster - last % kCluster) % kCluster;
    if constexpr (isPersistent<Tile>()) count = kCluster * (1 + front.blocks % 3);
    for (long long tile = begin; tile < end && tile < begin + count; tile += kCluster) {
      for (unsigned b = 0; b < kCluster; ++b) {
        prepareBlock<Tile>(blocks[b], kernel, args, tile + b, (char*)scratch + b * INGOT_SIMT_SCRATCH_BYTES);
        blocks[b].cluster = blocks;
        blocks[b].gridSize = {(unsigned)count, 1, 1};
        blocks[b].lastTile = (int)end;
      }
      runToEnd(blocks, kCluster, front);
      // A launch that completes implies that earlier ones have completed, so every block must have awaited them.
      for (Block& block : blocks)
        if (!block.awaits) fault(block, 0, "ends before the launches in front of it");
    }
  }
}

}  // namespace simt
