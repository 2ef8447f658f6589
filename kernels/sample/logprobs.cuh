// What log-probabilities of a row are made of (IngotLogprobs), with the bits of runtime/sample/logprobs.cc.
#pragma once

#include "kernels/sample/order.cuh"

namespace sample {

// The first `count` of the places that a warp is shown, up to as many as it has lanes: lane i holds the i-th. 0 is no id's place.
class Leaders {
 public:
  INGOT_MEMBER explicit Leaders(int count) : count_(count), last_(count > 0 ? 0 : ~0ull) {}

  INGOT_MEMBER ingot_u64 place() const { return (int)(threadIdx.x % kWarp) < count_ ? place_ : 0; }
  // Every lane calls, with one of its own. Few pass those that went before, so that mostly the first vote is the last.
  INGOT_MEMBER void take(ingot_u64 place) {
    int lane = threadIdx.x % kWarp;
    while (unsigned better = __ballot_sync(kFullWarp, place > last_)) {
      int from = lowestBit(better);
      ingot_u64 one = __shfl_sync(kFullWarp, place, from), before = __shfl_sync(kFullWarp, place_, (lane + kWarp - 1) % kWarp);
      int at = bitCount(__ballot_sync(kFullWarp, place_ > one));
      if (lane >= at) place_ = lane == at ? one : before;
      if (lane == from) place = 0;
      last_ = __shfl_sync(kFullWarp, place_, count_ - 1);
    }
  }

 private:
  int count_;
  ingot_u64 last_, place_ = 0;
};

// The first `count` of all places that the warps of a team were shown, in warp 0 of its first block.
template <int Blocks>
INGOT_INLINE Leaders leadersOfAll(const Leaders& ofWarp, int count, Team<Blocks>& team, Storage& storage) {
  int lane = threadIdx.x % kWarp;
  storage.members[threadIdx.x] = ofWarp.place();
  __syncthreads();
  Leaders leaders(count);
  if (threadIdx.x < kWarp)
    for (int i = 0; i < count; ++i) leaders.take(storage.members[lane * kWarp + i]);
  if constexpr (Blocks == 1) return leaders;
  if (threadIdx.x < kWarp) storage.sums[lane] = leaders.place();
  team.sync();
  if (threadIdx.x < kWarp && team.rank() == 0)
    for (int rank = 1; rank < Blocks; ++rank) leaders.take(loadFrom<Blocks>(storage.sums, lane, rank));
  return leaders;
}

// `own` and `best` are an id and the highest logit of the row.
template <int Columns, int Blocks>
INGOT_INLINE void describe(const float* logits, float best, int own, int count, Team<Blocks>& team, Storage& storage, IngotLogprobs* result) {
  constexpr int kFours = (Columns + 3) / 4;
  int begin = team.partOf(kFours, team.rank()), end = team.partOf(kFours, team.rank() + 1);
  float ownLogit = logits[own];
  ingot_u64 mass = 0, above = 0;
  Leaders ofWarp(count);
  for (int first = begin; first < end; first += kThreads) {
    int at = first + (int)threadIdx.x, id = at * 4;
    FourFloats four{};
    if (at < end) four = load<FourFloats>(logits + id);
    for (int c = 0; c < 4; ++c, ++id) {
      float logit = four.at[c];
      bool isCounted = at < end && id < Columns && logit >= -infinity();  // NaN is not
      mass += isCounted ? ingotWeight(logit, best, INGOT_LOG2E) : 0;
      above += isCounted && logit > ownLogit;
      ofWarp.take(isCounted ? placeOf(logit, id) : 0);
    }
  }
  mass = team.running(blockRunning(mass, storage.sums).total).total;
  above = team.running(blockRunning(above, storage.sums).total).total;
  ingot_u64 place = leadersOfAll(ofWarp, count, team, storage).place();
  if (threadIdx.x >= kWarp || team.rank() > 0) return;
  int id = (int)~(unsigned)place, listed = bitCount(__ballot_sync(kFullWarp, place > 0));
  if (place > 0) result->listed[threadIdx.x] = {logits[id], id};
  if (threadIdx.x > 0) return;
  result->mass = mass;
  result->best = best;
  result->own = ownLogit;
  result->above = (int)above;
  result->num_listed = listed;
}

}  // namespace sample
