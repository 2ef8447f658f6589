// What formats share: how much of a panel is unpacked at once, and how far ahead a stream is asked for.
#pragma once

#include "kernels/linear/linear.spec.h"
#include "kernels/prim/vector.h"

namespace linear {

constexpr long long kStretch = stretchColumns(kFormat, kK, kGroup);

// Some columns of a stretch, counted from where it begins.
struct Columns {
  long long first, last;
};

// Asks for the weights of a stream this far ahead; blocks lie end to end.
constexpr int kPrefetchBytes = 3072;
INGOT_INLINE void prefetch(const char* at, long long bytes) {
  for (long long line = 0; line < bytes; line += 64) __builtin_prefetch(at + kPrefetchBytes + line);
}

}  // namespace linear
