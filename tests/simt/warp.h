// Warp collectives, always of the full warp: each thread shows a word, all wait, then each reads what it needs. Words are double-buffered by the
// parity of the collective, so that one wait is enough.
#pragma once

#include "tests/simt/block.h"

namespace simt {

template <class T>
static inline unsigned long long wordOf(T value) {
  static_assert(sizeof(T) <= 8);
  unsigned long long word = 0;
  __builtin_memcpy(&word, &value, sizeof(T));
  return word;
}

// Shows `word` and waits for the warp; returns the parity of the collective.
static inline unsigned show(unsigned long long word, unsigned mask, const char* name) {
  Thread& thread = self();
  if (mask != 0xffffffffu) fault(*thread.block, thread.threadIndex.x, "a collective of less than a warp");
  unsigned parity = thread.collectives++ % 2;
  thread.sent[parity] = word;
  thread.wait(Waiting::warp, name);
  return parity;
}

static inline unsigned long long sentBy(unsigned lane, unsigned parity) {
  Thread& thread = self();
  return thread.block->thread(thread.threadIndex.x / kLanes * kLanes + lane % kLanes).sent[parity];
}

template <class T>
static inline T receive(unsigned lane, unsigned parity) {
  unsigned long long word = sentBy(lane, parity);
  T value;
  __builtin_memcpy(&value, &word, sizeof(T));
  return value;
}

static inline unsigned lane() { return self().threadIndex.x % kLanes; }

}  // namespace simt

static inline void __syncwarp(unsigned mask = 0xffffffffu) { simt::show(0, mask, "__syncwarp"); }
template <class T>
static inline T __shfl_sync(unsigned mask, T value, int from) {
  return simt::receive<T>((unsigned)from, simt::show(simt::wordOf(value), mask, "__shfl_sync"));
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T value, int bits) {
  return simt::receive<T>(simt::lane() ^ (unsigned)bits, simt::show(simt::wordOf(value), mask, "__shfl_xor_sync"));
}
static inline unsigned __ballot_sync(unsigned mask, int predicate) {
  unsigned parity = simt::show(predicate != 0, mask, "__ballot_sync"), votes = 0;
  for (unsigned i = 0; i < simt::kLanes; ++i) votes |= (unsigned)simt::sentBy(i, parity) << i;
  return votes;
}
static inline int warpOf(unsigned thread) { return (int)(thread / simt::kLanes); }
