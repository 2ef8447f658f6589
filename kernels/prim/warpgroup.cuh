// Features of sm_90a: mbarriers, bulk and tensor (TMA) copies, and wgmma. tests/simt defines the same names for a host.
#pragma once

#include "kernels/prim/device.cuh"

// Position in a ring of `Slots` stages. The phase parity flips with each pass over the ring.
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

// Registers per thread after setmaxnreg: the last `Producers` threads of a block give registers to the consumers. setmaxnreg.inc blocks until the
// block's pool has enough registers. Asking for more than the pool holds deadlocks.
template <int Threads, int Blocks, int Producer, int Consumer, int Producers = 128>
struct RegisterSplit {
  static_assert(Producers * Producer + (Threads - Producers) * Consumer <= 65536 / (Threads * Blocks) / 8 * 8 * Threads);
  static constexpr int kProducer = Producer, kConsumer = Consumer;
};

#if !defined(INGOT_SIMT) && defined(__CUDA_ARCH_FEAT_SM90_ALL)
#include "kernels/prim/gpu/barriers.cuh"
#include "kernels/prim/gpu/products.cuh"
#endif
