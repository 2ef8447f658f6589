// Statistics for the log-probabilities of a row (IngotLogprobs), bit-identical to runtime/sample/logprobs.cc.
#pragma once

#include "kernels/sample/order.cuh"

namespace sample {

// The `count` largest keys that a warp has taken, at most one per lane, sorted: lane i holds the i-th. 0 is not the key of any id.
class TopK {
 public:
  INGOT_MEMBER explicit TopK(int count) : count_(count), last_(count > 0 ? 0 : ~0ull) {}

  INGOT_MEMBER ingot_u64 key() const { return (int)(threadIdx.x % kWarp) < count_ ? key_ : 0; }
  // All lanes call this, each with a key. Once the list is full few keys enter it, so one vote usually suffices.
  INGOT_MEMBER void take(ingot_u64 key) {
    int lane = threadIdx.x % kWarp;
    while (unsigned better = __ballot_sync(kFullWarp, key > last_)) {
      int from = lowestBit(better);
      ingot_u64 one = __shfl_sync(kFullWarp, key, from), before = __shfl_sync(kFullWarp, key_, (lane + kWarp - 1) % kWarp);
      int at = bitCount(__ballot_sync(kFullWarp, key_ > one));
      if (lane >= at) key_ = lane == at ? one : before;
      if (lane == from) key = 0;
      last_ = __shfl_sync(kFullWarp, key_, count_ - 1);
    }
  }

 private:
  int count_;
  ingot_u64 last_, key_ = 0;
};

// Merges the lists of all warps of a team, into warp 0 of its first block.
template <int Blocks>
INGOT_INLINE TopK topKOfTeam(const TopK& ofWarp, int count, ClusterTeam<Blocks>& team, Storage& storage) {
  int lane = threadIdx.x % kWarp;
  storage.members[threadIdx.x] = ofWarp.key();
  __syncthreads();
  TopK topK(count);
  if (threadIdx.x < kWarp)
    for (int i = 0; i < count; ++i) topK.take(storage.members[lane * kWarp + i]);
  if constexpr (Blocks == 1) return topK;
  if (threadIdx.x < kWarp) storage.sums[lane] = topK.key();
  team.sync();
  if (threadIdx.x < kWarp && team.rank() == 0)
    for (int rank = 1; rank < Blocks; ++rank) topK.take(loadFrom<Blocks>(storage.sums, lane, rank));
  return topK;
}

// `own` is an id, `best` the highest logit of the row.
template <int Columns, int Blocks>
INGOT_INLINE void describe(const float* logits, float best, int own, int count, ClusterTeam<Blocks>& team, Storage& storage, IngotLogprobs* result) {
  constexpr int kFours = (Columns + 3) / 4;
  int begin = team.partOf(kFours, team.rank()), end = team.partOf(kFours, team.rank() + 1);
  float ownLogit = logits[own];
  ingot_u64 mass = 0, above = 0;
  TopK ofWarp(count);
  for (int first = begin; first < end; first += kThreads) {
    int at = first + (int)threadIdx.x, id = at * 4;
    FourFloats four{};
    if (at < end) four = load<FourFloats>(logits + id);
    for (int c = 0; c < 4; ++c, ++id) {
      float logit = four.at[c];
      bool isCounted = at < end && id < Columns && logit >= -infinity();  // not NaN
      mass += isCounted ? ingotWeight(logit, best, INGOT_LOG2E) : 0;
      above += isCounted && logit > ownLogit;
      ofWarp.take(isCounted ? rankKey(logit, id) : 0);
    }
  }
  mass = team.running(blockRunning(mass, storage.sums).total).total;
  above = team.running(blockRunning(above, storage.sums).total).total;
  ingot_u64 key = topKOfTeam(ofWarp, count, team, storage).key();
  if (threadIdx.x >= kWarp || team.rank() > 0) return;
  int id = (int)~(unsigned)key, listed = bitCount(__ballot_sync(kFullWarp, key > 0));
  if (key > 0) result->listed[threadIdx.x] = {logits[id], id};
  if (threadIdx.x > 0) return;
  result->mass = mass;
  result->best = best;
  result->own = ownLogit;
  result->above = (int)above;
  result->num_listed = listed;
}

}  // namespace sample
