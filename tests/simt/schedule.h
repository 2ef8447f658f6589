// The scheduler of threads: each runs until it waits, in an order that changes from round to round.
#pragma once

#include "tests/simt/block.h"
#include "tests/simt/front.h"

namespace simt {

// Entry of a new stack. Never returns.
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
  unsigned rotation = block.next() % lanes, step = block.next() % 2 ? 1 : lanes - 1;
  bool ran = false;
  for (unsigned i = 0; i < lanes; ++i) {
    Thread& thread = block.thread(first + (rotation + i * step) % lanes);
    if (thread.waiting != Waiting::no) continue;
    ran = true;
    ingotSimtSwitch(&block.stack, thread.stack);
    if (thread.canary != kCanary) fault(block, thread.threadIndex.x, "its stack is too small");
  }
  return ran;
}

// Releases threads [first, last) if all of them wait in the same collective. Returns whether they did.
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

// Runs every warp as far as it can, and releases the block from a barrier that all have reached. Returns whether anything progressed.
static bool advance(Block& block) {
  unsigned warps = (block.threads + kLanes - 1) / kLanes, rotation = block.next() % warps;
  bool progress = false;
  for (unsigned w = 0; w < warps; ++w) {
    unsigned warp = (w + rotation) % warps, first = warp * kLanes, last = first + kLanes < block.threads ? first + kLanes : block.threads;
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

// Releases all blocks if all threads wait at the same barrier. Returns whether they did.
static bool releaseAll(Block* blocks, unsigned count, Waiting what) {
  for (unsigned b = 0; b < count; ++b)
    if (!allWait(blocks[b], what)) return false;
  for (unsigned b = 0; b < count; ++b) {
    release(blocks[b], 0, blocks[b].threads, what);
    ++blocks[b].epoch;
  }
  return true;
}

// Completes the earlier launches, as late as possible. Returns whether a thread waits for them.
static bool endLaunches(Block* blocks, unsigned count, Front& front) {
  bool waits = false;
  for (unsigned b = 0; b < count; ++b)
    for (unsigned i = 0; i < blocks[b].threads; ++i)
      if (Thread& thread = blocks[b].thread(i); thread.waiting == Waiting::launches) thread.waiting = Waiting::no, waits = true;
  if (waits && front.early == kEarly) {
    front.early = 0;
    front.finish(front.context);
  }
  return waits;
}

// Runs co-resident blocks until all have ended.
static void runToEnd(Block* blocks, unsigned count, Front& front) {
  while (true) {
    unsigned done = 0;
    bool progress = false;
    for (unsigned b = 0; b < count; ++b) {
      progress = advance(blocks[b]) || progress;
      done += allWait(blocks[b], Waiting::done);
    }
    if (done == count) return;
    if (releaseAll(blocks, count, Waiting::cluster) || releaseAll(blocks, count, Waiting::grid) || progress || endLaunches(blocks, count, front))
      continue;
    for (unsigned b = 0; b < count; ++b) expectDone(blocks[b]);
  }
}

}  // namespace simt
