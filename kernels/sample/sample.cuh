// Draws a token from each row of logits, as runtime/sample does: the same id, or -1 if no logit exceeds minus infinity. The batch's samplings hold
// the parameters; its edits are applied to the logits first. Optionally records the data for log-probabilities. The tiles of a row are its blocks.
// Constants: kColumns. Operands: logits, ids, one IngotLogprobs per row, workspace for the logits of allowed ids.
#pragma once

#include "kernels/sample/edits.cuh"
#include "kernels/sample/logprobs.cuh"

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
  static constexpr int kRowBlocks = cudaSampleBlocks(kColumns), kCluster = kRowBlocks < kMaxCluster ? kRowBlocks : kMaxCluster;
  using Storage = sample::Storage;
  using Team = sample::ClusterTeam<kCluster>;
  using Edits = sample::Edits<kCluster>;

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_rows * kRowBlocks; }

  template <int Columns>
  INGOT_INLINE Best bestOf(const float* logits, Team& team, Storage& storage) {
    int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, end = team.partOf(Columns / 4, team.rank() + 1);
    Best best{-infinity(), -1};
#pragma unroll 8
    for (int i = team.partOf(Columns / 4, team.rank()) + (int)threadIdx.x; i < end; i += kThreads) {
      FourFloats four = load<FourFloats>(logits + i * 4);
      for (int c = 0; c < 4; ++c)
        if (four.at[c] > best.value) best = {four.at[c], i * 4 + c};
    }
    for (int i = Columns / 4 * 4 + (int)threadIdx.x; i < Columns; i += kThreads)
      if (logits[i] > best.value) best = {logits[i], i};
    best = bestOfWarp(best);
    if (lane == 0) {
      storage.values[warp] = best.value;
      storage.ids[warp] = best.id;
    }
    __syncthreads();
    best = bestOfWarp({storage.values[lane], storage.ids[lane]});
    if constexpr (kCluster == 1) return best;
    ingot_u64 key = team.largest(best.id < 0 ? 0 : rankKey(best.value, best.id));
    return key == 0 ? Best{-infinity(), -1} : Best{logitAt(key), (int)~(unsigned)key};
  }

  // Draws by inverse CDF: the first id at which the running weight exceeds its share of the total. Finds the warp's part of the row, then the id
  // in it. -1 in all threads but one.
  INGOT_INLINE int pick(const Row& row, ingot_u64 last, Team& team, Storage& storage) {
    int foursOfWarp = (row.last - row.first + kThreads - 1) / kThreads * kWarp;
    int lane = threadIdx.x % kWarp, first = row.first + (int)threadIdx.x / kWarp * foursOfWarp;
    int end = first + foursOfWarp < row.last ? first + foursOfWarp : row.last;
    auto massOf = [&](int from, int to) {
      ingot_u64 mass = 0;
      row.visit(from, to, kWarp, [&](float logit, int id) { mass += rankKey(logit, id) >= last ? row.weightOf(logit) : 0; });
      return mass;
    };
    ingot_u64 mass = massOf(first + lane, end);
    Running running = blockRunning(mass, storage.sums), inTeam = team.running(running.total);
    ingot_u64 left = ingotShare(inTeam.total, row.sampling.uniform), upToThis = inTeam.before + running.before;
    ingot_u64 before = __shfl_sync(kFullWarp, upToThis, 0), after = __shfl_sync(kFullWarp, upToThis + mass, kWarp - 1);
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
        ingot_u64 weight = rankKey(logit, id) >= last ? row.weightOf(logit) : 0;
        if (chosen < 0 && left < weight) chosen = id;
        left -= weight;
      });
      return chosen;
    }
  }

  // One thread of the team returns the id, the others -1.
  INGOT_INLINE int draw(const float* logits, int columns, const IngotSampling& sampling, Best best, Team& team, Storage& storage) {
    if (best.id < 0 || sampling.top_k == 1) return team.rank() == 0 && threadIdx.x == 0 ? best.id : -1;
    int fours = (columns + 3) / 4;
    Row row{logits, columns, team.partOf(fours, team.rank()), team.partOf(fours, team.rank() + 1), sampling, best.value, best.value + sampling.floor};
    ingot_u64 last = 0;
#pragma unroll 1
    for (int filter = 0; filter < 2; ++filter)
      if (filter == 0 ? sampling.top_k > 0 : sampling.top_p > 0) last = Search<kCluster>(row, filter == 0, last, team, storage).run();
    return pick(row, last, team, storage);
  }

  INGOT_INLINE Edits editsOf(const IngotBatch& batch, const IngotSampling& sampling, Team& team) {
    return Edits(batch.edits + sampling.first_edit, sampling.num_edits, sampling.num_allowed, team);
  }
  INGOT_INLINE float* logitsOf(void* const* operands, int row) { return (float*)operands[0] + (long long)row * kStride; }
  INGOT_INLINE int* chosenOf(void* const* operands, int row) { return (int*)operands[1] + row; }

  // Returns the largest logit if all ids are allowed. With a list of allowed ids, their logits are gathered into a row of their own, in id order,
  // and the token drawn is an index into the list.
  INGOT_INLINE float drawRow(const IngotBatch& batch, void* const* operands, int row, Team& team, Storage& storage) {
    float* logits = logitsOf(operands, row);
    IngotSampling sampling = batch.samplings[row];
    int allowed = sampling.num_allowed;
    Edits edits = editsOf(batch, sampling, team);
    if (sampling.looks_back) edits.lookBack(batch.token_ids[batch.rows[row]], storage);
    if (allowed > 0) logits = edits.gatherAllowed(logits, (float*)operands[3] + (long long)row * kCudaSampleAllowed);
    else if (sampling.num_edits > 0 && sampling.logprobs > 0) edits.note(logits);
    edits.apply(logits);
    Best best = allowed > 0 ? bestOf<kCudaSampleAllowed>(logits, team, storage) : bestOf<kColumns>(logits, team, storage);
    int id = draw(logits, allowed > 0 ? kCudaSampleAllowed : kColumns, sampling, best, team, storage);
    if (id >= 0) *chosenOf(operands, row) = allowed > 0 ? batch.edits[sampling.first_edit + id].id : id;
    else if (best.id < 0 && team.rank() == 0 && threadIdx.x == 0) *chosenOf(operands, row) = -1;
    return best.value;
  }

  // Uses the logits before edits. The sampling is read again, since drawing needs all registers.
  INGOT_INLINE void describeRow(const IngotBatch& batch, void* const* operands, int row, float best, Team& team, Storage& storage) {
    float* logits = logitsOf(operands, row);
    const IngotSampling& sampling = batch.samplings[row];
    if (sampling.num_edits > 0) {
      if (sampling.num_allowed == 0) editsOf(batch, sampling, team).takeBack(logits);
      best = bestOf<kColumns>(logits, team, storage).value;
    }
    int own = sampling.own < 0 ? *chosenOf(operands, row) : sampling.own;
    if (own >= 0) describe<kColumns>(logits, best, own, sampling.logprobs - 1, team, storage, (IngotLogprobs*)operands[2] + row);
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage& storage) {
    int row = index / kRowBlocks;
    if (index % kRowBlocks >= kCluster) return;
    Team team(index % kRowBlocks, storage.exchange);
    float best = drawRow(batch, operands, row, team, storage);
    team.sync();
    if (batch.samplings[row].logprobs <= 0) return;
    describeRow(batch, operands, row, best, team, storage);
    team.sync();  // other blocks may still be reading this block's shared memory
  }
};

}  // namespace sample
