// The token behind each row of logits as runtime/sample draws it: the same id, and -1 where no logit is over minus infinity. How is in
// the batch's samplings; its edits change the logits first. Where log-probabilities are wanted, what they are made of too.
// Tile r is a row. Constants: kColumns. Operands: logits, ids, one IngotLogprobs a row, room for the logits of allowed ids.
#pragma once

#include "kernels/sample/logprobs.cuh"
#include "kernels/sample/sample.spec.h"

namespace sample {

struct Best {
  float value;
  int id;
  // NaN is never better.
  INGOT_MEMBER void take(float otherValue, int otherId) {
    if (otherValue > value || (otherValue == value && otherId < id)) value = otherValue, id = otherId;
  }
};

INGOT_INLINE Best bestOfWarp(Best best) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    float value = __shfl_xor_sync(kFullWarp, best.value, distance);
    int id = __shfl_xor_sync(kFullWarp, best.id, distance);
    best.take(value, id);
  }
  return best;
}

template <class C>
struct Tile {
  static constexpr int kThreads = kCudaSampleThreads, kColumns = C::kColumns, kStride = (kColumns + 15) / 16 * 16;
  using Storage = sample::Storage;

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_rows; }

  INGOT_INLINE void edit(const IngotEdit* edits, int count, float* logits) {
    for (int turn = 0; turn < INGOT_EDIT_TURNS; ++turn) {
      for (int i = threadIdx.x; i < count; i += kThreads)
        if (IngotEdit one = edits[i]; one.turn == turn) logits[one.id] = ingotEdited(one, logits[one.id]);
      __syncthreads();
    }
  }
  // Several edits of one id note, and bring back, the same logit.
  INGOT_INLINE void note(IngotEdit* edits, int count, const float* logits) {
    for (int i = threadIdx.x; i < count; i += kThreads) edits[i].before = logits[edits[i].id];
    __syncthreads();
  }
  INGOT_INLINE void takeBack(const IngotEdit* edits, int count, float* logits) {
    for (int i = threadIdx.x; i < count; i += kThreads) logits[edits[i].id] = edits[i].before;
    __syncthreads();
  }

  INGOT_INLINE float* gatherAllowed(const float* logits, const IngotEdit* edits, int count, float* allowed) {
    for (int i = threadIdx.x; i < kCudaSampleAllowed; i += kThreads) allowed[i] = i < count ? logits[edits[i].id] : -infinity();
    __syncthreads();
    return allowed;
  }

  template <int Columns>
  INGOT_INLINE Best bestOf(const float* logits, Storage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
    Best best{-infinity(), -1};
#pragma unroll 8
    for (int i = threadIdx.x; i < Columns / 4; i += kThreads) {
      FourFloats four = load<FourFloats>(logits + i * 4);
      for (int c = 0; c < 4; ++c)
        if (four.at[c] > best.value) best = {four.at[c], i * 4 + c};
    }
    for (int i = Columns / 4 * 4 + threadIdx.x; i < Columns; i += kThreads)
      if (logits[i] > best.value) best = {logits[i], i};
    best = bestOfWarp(best);
    if (lane == 0) {
      storage.values[warp] = best.value;
      storage.ids[warp] = best.id;
    }
    __syncthreads();
    return bestOfWarp({storage.values[lane], storage.ids[lane]});
  }

  // The first id at which the weights so far exceed their share: in the warps' stretches of the row, then in one of them. -1: in another.
  INGOT_INLINE int pick(const Row& row, ingot_u64 last, Storage& storage) {
    int foursOfWarp = (row.fours() + kThreads - 1) / kThreads * kWarp;
    int lane = threadIdx.x % kWarp, first = threadIdx.x / kWarp * foursOfWarp;
    int end = first + foursOfWarp < row.fours() ? first + foursOfWarp : row.fours();
    auto massOf = [&](int from, int to) {
      ingot_u64 mass = 0;
      row.visit(from, to, kWarp, [&](float logit, int id) { mass += placeOf(logit, id) >= last ? row.weightOf(logit) : 0; });
      return mass;
    };
    ingot_u64 mass = massOf(first + lane, end);
    Running running = blockRunning(mass, storage.sums);
    ingot_u64 left = ingotShare(running.total, row.sampling.uniform);
    ingot_u64 before = __shfl_sync(kFullWarp, running.before, 0), after = __shfl_sync(kFullWarp, running.before + mass, kWarp - 1);
    if (left < before || left >= after) return -1;
    left -= before;
    int at = first, chosen = -1;
    while (true) {
      ingot_u64 own = at + lane < end ? massOf(at + lane, at + lane + 1) : 0, upTo = warpRunning(own);
      ingot_u64 ofAll = __shfl_sync(kFullWarp, upTo, kWarp - 1);
      if (left >= ofAll) {
        left -= ofAll, at += kWarp;
        continue;
      }
      if (left >= upTo || left < upTo - own) return -1;
      left -= upTo - own;
      row.visit(at + lane, at + lane + 1, 1, [&](float logit, int id) {
        ingot_u64 weight = placeOf(logit, id) >= last ? row.weightOf(logit) : 0;
        if (chosen < 0 && left < weight) chosen = id;
        left -= weight;
      });
      return chosen;
    }
  }

  // One thread writes the id.
  INGOT_INLINE void draw(const float* logits, int columns, const IngotSampling& sampling, Best best, Storage& storage, int* chosen) {
    if (best.id < 0 || sampling.top_k == 1) {
      if (threadIdx.x == 0) *chosen = best.id;
      return;
    }
    Row row{logits, columns, sampling, best.value, best.value + sampling.floor};
    ingot_u64 last = 0;
#pragma unroll 1
    for (int filter = 0; filter < 2; ++filter)
      if (filter == 0 ? sampling.top_k > 0 : sampling.top_p > 0) last = Search(row, filter == 0, last, storage).run();
    int id = pick(row, last, storage);
    if (id >= 0) *chosen = id;
  }

  INGOT_INLINE float* logitsOf(void* const* operands, int index) { return (float*)operands[0] + (long long)index * kStride; }
  INGOT_INLINE int* chosenOf(void* const* operands, int index) { return (int*)operands[1] + index; }

  // Returns the largest logit, where all ids are allowed. Ids that are not allowed weigh nothing: a row of the others alone, in their
  // order, has the same token at the place of its id.
  INGOT_INLINE float drawRow(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    float* logits = logitsOf(operands, index);
    int* chosen = chosenOf(operands, index);
    IngotSampling sampling = batch.samplings[index];
    IngotEdit* edits = batch.edits + sampling.first_edit;
    int allowed = sampling.num_allowed;
    if (allowed > 0) logits = gatherAllowed(logits, edits, allowed, (float*)operands[3] + (long long)index * kCudaSampleAllowed);
    else if (sampling.num_edits > 0 && sampling.logprobs > 0) note(edits, sampling.num_edits, logits);
    if (sampling.num_edits > allowed) edit(edits + allowed, sampling.num_edits - allowed, logits);
    Best best = allowed > 0 ? bestOf<kCudaSampleAllowed>(logits, storage) : bestOf<kColumns>(logits, storage);
    draw(logits, allowed > 0 ? kCudaSampleAllowed : kColumns, sampling, best, storage, chosen);
    if (allowed == 0) return best.value;
    __syncthreads();
    if (threadIdx.x == 0 && *chosen >= 0) *chosen = edits[*chosen].id;
    return 0;
  }

  // Of the logits before they were edited. The sampling is read again: drawing needs all registers.
  INGOT_INLINE void describeRow(const IngotBatch& batch, void* const* operands, int index, float best, Storage& storage) {
    float* logits = logitsOf(operands, index);
    const IngotSampling& sampling = batch.samplings[index];
    if (sampling.num_edits > 0) {
      if (sampling.num_allowed == 0) takeBack(batch.edits + sampling.first_edit, sampling.num_edits, logits);
      best = bestOf<kColumns>(logits, storage).value;
    }
    int own = sampling.own < 0 ? *chosenOf(operands, index) : sampling.own;
    if (own >= 0) describe<kColumns>(logits, best, own, sampling.logprobs - 1, storage, (IngotLogprobs*)operands[2] + index);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    float best = drawRow(batch, operands, index, storage);
    __syncthreads();
    if (batch.samplings[index].logprobs > 0) describeRow(batch, operands, index, best, storage);
  }
};

}  // namespace sample
