// Blocks that share a row of logits, as a cluster: each has a stretch of its ids, and they tell each other what they found. One block has all of it.
#pragma once

#include "kernels/prim/device.cuh"
#include "kernels/prim/scan.cuh"

namespace sample {

// What a block says to the others, of this exchange and of the one before: who says something again knows that all have heard that.
struct Exchange {
  SharedArray<ingot_u64, 2> values;
};

// Every thread of every block calls the same, with numbers that those of a block agree on.
template <int Blocks>
class ClusterTeam {
 public:
  INGOT_MEMBER ClusterTeam(int rank, Exchange& exchange) : rank_(rank), exchange_(exchange) {}

  INGOT_MEMBER int rank() const { return Blocks == 1 ? 0 : rank_; }
  // Where this block's part of so many things begins.
  INGOT_MEMBER int partOf(int count, int rank) const { return (int)((long long)count * rank / Blocks); }
  INGOT_MEMBER void sync() const {
    if constexpr (Blocks > 1) __syncwarp();  // a barrier of clusters wants warps whole
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
  // Lane i gets what block i says, the others 0.
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
