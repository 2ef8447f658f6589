// What sm_90a brought: barriers that count bytes, copies in bulk and by a map, and the tensor cores of a warpgroup. tests/simt gives the same
// names on a host.
#pragma once

#include "kernels/prim/device.cuh"

// Blocks and stages have places of a ring in turn; `round` tells whose turn it is.
template <int Slots>
struct RingSlot {
  int at = 0;
  unsigned round = 0;
  INGOT_MEMBER void next() {
    if (++at < Slots) return;
    at = 0;
    round ^= 1;
  }
};

// The last Copiers of a block's threads, which copy, give registers to the others. A block has those that it began with, as many as are left to it
// where a multiprocessor has so many blocks: who asks for more waits for ever.
template <int Threads, int Blocks, int Copier, int Other, int Copiers = 128>
struct SharedRegisters {
  static_assert(Copiers * Copier + (Threads - Copiers) * Other <= 65536 / (Threads * Blocks) / 8 * 8 * Threads);
  static constexpr int kCopier = Copier, kOther = Other;
};

#if !defined(INGOT_SIMT) && defined(__CUDA_ARCH_FEAT_SM90_ALL)
#include "kernels/prim/gpu/barriers.cuh"
#include "kernels/prim/gpu/products.cuh"
#endif
