// What sm_90a brought: barriers that count bytes, copies in bulk and by a map, and the tensor cores of a warpgroup. tests/simt gives the same
// names on a host.
#pragma once

#include "kernels/prim/device.cuh"

// Blocks and stages have places of a ring in turn; `round` tells whose turn it is.
template <int Slots>
struct PipelineState {
  int index = 0;
  unsigned phase = 0;
  INGOT_MEMBER void next() {
    if (++index < Slots) return;
    index = 0;
    phase ^= 1;
  }
};

// The last Copiers of a block's threads, which copy, give registers to the others. A block has those that it began with, as many as are left to it
// where a multiprocessor has so many blocks: who asks for more waits for ever.
template <int Threads, int Blocks, int Producer, int Consumer, int Producers = 128>
struct RegisterSplit {
  static_assert(Producers * Producer + (Threads - Producers) * Consumer <= 65536 / (Threads * Blocks) / 8 * 8 * Threads);
  static constexpr int kProducer = Producer, kConsumer = Consumer;
};

#if !defined(INGOT_SIMT) && defined(__CUDA_ARCH_FEAT_SM90_ALL)
#include "kernels/prim/gpu/barriers.cuh"
#include "kernels/prim/gpu/products.cuh"
#endif
