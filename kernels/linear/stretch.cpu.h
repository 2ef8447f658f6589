// Shared by the formats: how much of a panel is unpacked at a time, and the prefetch distance of streams.
#pragma once

#include "kernels/linear/linear.spec.h"
#include "kernels/prim/vector.h"

namespace linear {

constexpr long long kStretch = stretchColumns(kFormat, kK, kGroup);

// Prefetches the weights that are needed next, while others are multiplied: some with every kUnit columns, since a core has only about a dozen
// misses in flight.
constexpr long long kUnit = isQuantized(kFormat) ? kGroup : 2;
constexpr int kUnitBytes = (int)blockBytes(kFormat, kUnit, kGroup);
struct Ahead {
  const char* at;  // of the first block
  int bytes;       // per unit and block

  // Each of `passes` over the same columns prefetches an equal part of the bytes from `at` on; skip() moves on to the next pass's part.
  INGOT_INLINE Ahead shared(const char* at, int passes) { return {at, (kUnitBytes + passes - 1) / passes}; }
  inline __attribute__((always_inline)) void skip(long long columns) { at += (columns + kUnit - 1) / kUnit * bytes; }

  template <int Blocks>
  inline __attribute__((always_inline)) void ask(long long unit, int block) const {
    for (int b = block; b < block + Blocks; ++b)
      for (int line = 0; line < bytes; line += 64) __builtin_prefetch(at + b * blockBytes(kFormat, kK, kGroup) + unit * bytes + line, 0, 2);
  }
};
// Prefetch distance of a single pass over a block; blocks are contiguous.
constexpr int kPrefetchBytes = 3072;

}  // namespace linear
