// A cluster of blocks that share a row of logits: each block has a contiguous part of the ids, and they exchange intermediate results. A single
// block has the whole row.
#pragma once

#include "kernels/prim/device.cuh"
#include "kernels/prim/scan.cuh"

namespace sample {

// A block's value in the current exchange and in the previous one. Double-buffered: by the time a slot is reused, every block has read it.
struct Exchange {
  SharedArray<ingot_u64, 2> values;
};

// All threads of all blocks make the same calls; the arguments agree within a block.
template <int Blocks>
class ClusterTeam {
 public:
  INGOT_MEMBER ClusterTeam(int rank, Exchange& exchange) : rank_(rank), exchange_(exchange) {}

  INGOT_MEMBER int rank() const { return Blocks == 1 ? 0 : rank_; }
  // Start of block `rank`'s part of `count` items.
  INGOT_MEMBER int partOf(int count, int rank) const { return (int)((long long)count * rank / Blocks); }
  INGOT_MEMBER void sync() const {
    if constexpr (Blocks > 1) __syncwarp();  // barrier.cluster needs converged warps
    syncCluster<Blocks>();
  }

  INGOT_MEMBER ingot_u64 largest(ingot_u64 own) {
    if constexpr (Blocks == 1) return own;
    ingot_u64 most = exchange(own);
    for (int distance = kWarp / 2; distance > 0; distance /= 2) {
      ingot_u64 other = __shfl_xor_sync(kFullWarp, most, distance);
      if (other > most) most = other;
    }
    return most;
  }
  INGOT_MEMBER Running running(ingot_u64 own) {
    if constexpr (Blocks == 1) return {0, own};
    ingot_u64 one = exchange(own), upTo = warpRunning(one);
    return {__shfl_sync(kFullWarp, upTo - one, rank_), __shfl_sync(kFullWarp, upTo, kWarp - 1)};
  }

 private:
  // Lane i receives the value of block i; lanes past the last block 0.
  INGOT_MEMBER ingot_u64 exchange(ingot_u64 own) {
    int lane = threadIdx.x % kWarp;
    parity_ ^= 1;
    if (threadIdx.x == 0) exchange_.values[parity_] = own;
    sync();
    return lane < Blocks ? loadFrom<Blocks>(exchange_.values, parity_, lane) : 0;
  }

  int rank_, parity_ = 0;
  Exchange& exchange_;
};

}  // namespace sample
