// What formats share: how much of a panel is unpacked at once, and how far ahead a stream is asked for.
#pragma once

#include "kernels/linear/linear.spec.h"
#include "kernels/prim/vector.h"

namespace linear {

constexpr long long kStretch = stretchColumns(kFormat, kK, kGroup);

// Weights that are needed next, asked for while others are multiplied: some with every kUnit columns, since a core waits for a dozen
// or two lines at once.
constexpr long long kUnit = isQuantized(kFormat) ? kGroup : 2;
constexpr int kUnitBytes = (int)blockBytes(kFormat, kUnit, kGroup);
struct Ahead {
  const char* at;  // of the first block
  int bytes;       // with a unit, of every block

  // Each of `passes` over the same columns asks for an equal part of what begins at `at`; skip() moves on to the next pass's.
  INGOT_INLINE Ahead shared(const char* at, int passes) { return {at, (kUnitBytes + passes - 1) / passes}; }
  inline __attribute__((always_inline)) void skip(long long columns) { at += (columns + kUnit - 1) / kUnit * bytes; }

  template <int Blocks>
  inline __attribute__((always_inline)) void ask(long long unit, int block) const {
    for (int b = block; b < block + Blocks; ++b)
      for (int line = 0; line < bytes; line += 64) __builtin_prefetch(at + b * blockBytes(kFormat, kK, kGroup) + unit * bytes + line, 0, 2);
  }
};
// How far ahead a single pass over a block asks; blocks lie end to end.
constexpr int kPrefetchBytes = 3072;

}  // namespace linear
