// Splits packed q, k, v rows; normalises each q and k head (optional), rotates them, writes k and v into the pages and q
// to its own rows. Tile t is a token, a warp takes a head. Constants, operands and rotation as in rope_append.cpu.h.
#pragma once

#include "kernels/kvcache/element.cuh"
#include "kernels/prim/math.cuh"

namespace rope_append {

template <class C>
struct Tile {
  static constexpr int kThreads = 128, kWarps = kThreads / kWarp;
  static constexpr int kHeads = C::kHeads, kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kRotary = C::kRotary;
  static constexpr int kFirstNorm = 1 + (kRotary != 0), kKeys = kFirstNorm + 2 * C::kHeadNorm;
  typedef CacheElement<C::kCache> Element;
  typedef typename Element::Type Type;
  typedef PagePlace<C::kCache, kHeadDim> Place;
  struct Storage {};

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_tokens; }

  // One head, normalised and rotated; write(d, value) takes each of its elements.
  template <class Write>
  INGOT_INLINE void prepareHead(const float* in, const float* norm, const float* table, int lane, const Write& write) {
    float factor = 1;
    if constexpr (C::kHeadNorm) {
      float sum = 0;
      for (int d = lane; d < kHeadDim; d += kWarp) sum = fma(in[d], in[d], sum);
      factor = 1.0f / squareRoot(warpSum(sum) / kHeadDim + C::kEps);
    }
    auto at = [&](int d) {
      if constexpr (C::kHeadNorm) return in[d] * factor * norm[d];
      else return in[d];
    };
    constexpr int kHalf = kRotary / 2;
    for (int i = lane; i < kHalf; i += kWarp) {
      float cosine = table[2 * i], sine = table[2 * i + 1], a = at(i), b = at(i + kHalf);
      write(i, a * cosine - b * sine);
      write(i + kHalf, b * cosine + a * sine);
    }
    for (int d = kRotary + lane; d < kHeadDim; d += kWarp) write(d, at(d));
  }

  // Narrows a head's keys, or values, into its page, with the step of codes; forEach(write) calls write(d, value) for those of the lane.
  template <class ForEach, class PlaceOf>
  INGOT_INLINE void append(const ForEach& forEach, const PlaceOf& placeOf, Type* head, int slot, int lane) {
    float factor = 1;
    if constexpr (C::kCache == CacheType::i8) {
      float largest = 0;
      forEach([&](int, float value) { largest = absolute(value) > largest ? absolute(value) : largest; });
      CodeStep step = codeStepOf(warpMaximum(largest));
      if (lane == 0) stepsOf<kHeadDim>(head)[slot] = step.step;
      factor = step.inverse;
    }
    forEach([&](int d, float value) { head[placeOf(d)] = Element::narrow(value * factor); });
  }

  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int tile, Storage&) {
    constexpr int kRow = (kHeads + 2 * kKvHeads) * kHeadDim;
    const float* row = (const float*)operands[0] + (long long)tile * kRow;
    int position = batch.positions[tile], slot = position % kPageTokens, lane = threadIdx.x % kWarp;
    const float* table = kRotary ? (const float*)operands[1] + (long long)position * kRotary : nullptr;
    const float* qNorm = C::kHeadNorm ? (const float*)operands[kFirstNorm] : nullptr;
    const float* kNorm = C::kHeadNorm ? (const float*)operands[kFirstNorm + C::kHeadNorm] : nullptr;
    float* q = (float*)operands[kKeys + 2] + (long long)tile * (kHeads * kHeadDim);
    long long page = batch.page_table[(long long)batch.sequence_of[tile] * batch.max_pages + position / kPageTokens];
    for (int h = threadIdx.x / kWarp; h < kHeads + 2 * kKvHeads; h += kWarps) {
      const float* in = row + h * kHeadDim;
      if (h < kHeads) {
        prepareHead(in, qNorm, table, lane, [&](int d, float value) { q[h * kHeadDim + d] = value; });
        continue;
      }
      long long offset = headOffset(C::kCache, page, C::kLayers, (h - kHeads) % kKvHeads, kKvHeads, kHeadDim);
      if (h < kHeads + kKvHeads) {
        auto forEach = [&](const auto& write) { prepareHead(in, kNorm, table, lane, write); };
        append(forEach, [&](int d) { return Place::key(d, slot); }, (Type*)operands[kKeys] + offset, slot, lane);
      } else {
        auto forEach = [&](const auto& write) {
          for (int d = lane; d < kHeadDim; d += kWarp) write(d, in[d]);
        };
        append(forEach, [&](int d) { return Place::value(slot, d); }, (Type*)operands[kKeys + 1] + offset, slot, lane);
      }
    }
  }
};

}  // namespace rope_append
