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

// The first `count` of all places that the warps of a block were shown, in warp 0; behind a barrier.
INGOT_INLINE Leaders leadersOfBlock(const Leaders& ofWarp, int count, Storage& storage) {
  int lane = threadIdx.x % kWarp;
  storage.members[threadIdx.x] = ofWarp.place();
  __syncthreads();
  Leaders leaders(count);
  if (threadIdx.x < kWarp)
    for (int i = 0; i < count; ++i) leaders.take(storage.members[lane * kWarp + i]);
  return leaders;
}

// `own` and `best` are an id and the highest logit of the row.
template <int Columns>
INGOT_INLINE void describe(const float* logits, float best, int own, int count, Storage& storage, IngotLogprobs* result) {
  float ownLogit = logits[own];
  ingot_u64 mass = 0, above = 0;
  Leaders ofWarp(count);
  for (int first = 0; first < (Columns + 3) / 4; first += kThreads) {
    int id = (first + threadIdx.x) * 4;
    FourFloats four{};
    if (id < Columns) four = load<FourFloats>(logits + id);
    for (int c = 0; c < 4; ++c, ++id) {
      float logit = four.at[c];
      bool isCounted = id < Columns && logit >= -infinity();  // NaN is not
      mass += isCounted ? ingotWeight(logit, best, INGOT_LOG2E) : 0;
      above += isCounted && logit > ownLogit;
      ofWarp.take(isCounted ? placeOf(logit, id) : 0);
    }
  }
  mass = blockRunning(mass, storage.sums).total;
  above = blockRunning(above, storage.sums).total;
  ingot_u64 place = leadersOfBlock(ofWarp, count, storage).place();
  if (threadIdx.x >= kWarp) return;
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
