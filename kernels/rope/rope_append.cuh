// Splits packed q, k, v rows; normalises each q and k head (optional) and applies RoPE; appends k and v to the KV pages and writes q to rows of
// its own. A tile is some heads of one token, and each warp keeps a few heads in registers. Constants, operands and rotation as in
// rope_append.cpu.h.
#pragma once

#include "kernels/kvcache/element.cuh"
#include "kernels/prim/math.cuh"
#include "kernels/rope/rope_append.spec.h"

namespace rope_append {

template <class C>
struct Tile {
  static constexpr int kHeads = C::kHeads, kKvHeads = C::kKvHeads, kHeadDim = C::kHeadDim, kRotary = C::kRotary;
  static constexpr int kThreads = kCudaRopeThreads, kTiles = cudaRopeTiles(kHeads, kKvHeads), kAllHeads = kHeads + 2 * kKvHeads;
  static constexpr bool kAwaits = true;
  static constexpr int kFirstNorm = 1 + (kRotary != 0), kKeys = kFirstNorm + 2 * C::kHeadNorm;
  // A lane has kWide neighbouring columns of the first rotary half and those of the second half that they are paired with, and so on for every
  // kWarp * kWide columns; then columns that are not rotated.
  static constexpr int kHalf = kRotary / 2, kWide = kHalf % 2 == 0 ? 2 : 1;
  static constexpr int kPairs = (kHalf / kWide + kWarp - 1) / kWarp;
  static constexpr int kUnits = 2 * kPairs + ((kHeadDim - kRotary) / kWide + kWarp - 1) / kWarp;
  typedef CacheElement<C::kCache> Element;
  typedef typename Element::Type Type;
  typedef PageLayout<C::kCache, kHeadDim> Layout;
  struct alignas(4 * kWide) Unit {
    float at[kWide];
  };
  struct Head {
    Unit units[kUnits];  // those that the lane does not have are zeros
  };
  struct alignas(8 * kWide) CosSin {
    float at[2 * kWide];  // cosine, sine of each column
  };
  struct Angles {
    CosSin at[kPairs + 1];  // of the lane's columns
  };
  struct Storage {};

  INGOT_INLINE int count(const IngotBatch& batch) { return batch.num_tokens * kTiles; }

  // Calls visit(u, d) for each unit of the lane and its first column.
  template <class Visit>
  INGOT_INLINE void forEachUnit(const Visit& visit) {
    int lane = threadIdx.x % kWarp;
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
      bool rotates = u < 2 * kPairs;
      int d = (lane + (rotates ? u / 2 : u - 2 * kPairs) * kWarp) * kWide;
      if (d < (rotates ? kHalf : kHeadDim - kRotary)) visit(u, d + (rotates ? u % 2 * kHalf : kRotary));
    }
  }

  INGOT_INLINE Head headAt(const float* from) {
    Head head{};
    forEachUnit([&](int u, int d) { head.units[u] = load<Unit>(from + d); });
    return head;
  }

  INGOT_INLINE void normalize(Head& head, const Head& norm) {
    float sum = 0;
    for (int u = 0; u < kUnits; ++u)
      for (int i = 0; i < kWide; ++i) sum = fma(head.units[u].at[i], head.units[u].at[i], sum);
    float factor = inverseRoot(warpSum(sum) * (1.0f / kHeadDim) + C::kEps);
    for (int u = 0; u < kUnits; ++u)
      for (int i = 0; i < kWide; ++i) head.units[u].at[i] = head.units[u].at[i] * factor * norm.units[u].at[i];
  }

  INGOT_INLINE void rotate(Head& head, const Angles& angles) {
    for (int pair = 0; pair < kPairs; ++pair)
      for (int i = 0; i < kWide; ++i) {
        float &a = head.units[2 * pair].at[i], &b = head.units[2 * pair + 1].at[i], before = a;
        float cosine = angles.at[pair].at[2 * i], sine = angles.at[pair].at[2 * i + 1];
        a = before * cosine - b * sine;
        b = b * cosine + before * sine;
      }
  }

  // Narrows a head's keys, or values, into its page; int8 codes with their scale.
  template <class OffsetOf>
  INGOT_INLINE void append(const Head& head, const OffsetOf& offsetOf, Type* to, int slot) {
    float factor = 1;
    if constexpr (C::kCache == CacheType::i8) {
      float largest = 0;
      for (int u = 0; u < kUnits; ++u)
        for (int i = 0; i < kWide; ++i) largest = absolute(head.units[u].at[i]) > largest ? absolute(head.units[u].at[i]) : largest;
      CodeScale scale = codeScaleOf(warpMaximum(largest));
      if (threadIdx.x % kWarp == 0) scalesOf<kHeadDim>(to)[slot] = scale.scale;
      factor = scale.inverse;
    }
    forEachUnit([&](int u, int d) {
      for (int i = 0; i < kWide; ++i) to[offsetOf(d + i)] = Element::narrow(head.units[u].at[i] * factor);
    });
  }

  // cos and sin at `position`, from a table that no launch writes.
  INGOT_INLINE Angles anglesAt(void* const* operands, int position) {
    Angles angles{};
    if constexpr (kRotary != 0)
      forEachUnit([&](int u, int d) {
        if (u < 2 * kPairs && u % 2 == 0) angles.at[u / 2] = load<CosSin>((const float*)operands[1] + (long long)position * kRotary + 2 * d);
      });
    return angles;
  }
  INGOT_INLINE Head normOf(void* const* operands, int h) {
    if constexpr (C::kHeadNorm) return headAt((const float*)(h < kHeads ? operands[kFirstNorm] : operands[kFirstNorm + 1]));
    else return {};
  }
  INGOT_INLINE long long pageOf(const IngotBatch& batch, int token) {
    return batch.page_table[(long long)batch.sequence_of[token] * batch.max_pages + batch.positions[token] / kPageTokens];
  }

  // Head h of a token: queries, then keys, then values.
  INGOT_INLINE Head inputHead(void* const* operands, int token, int h) {
    return headAt((const float*)operands[0] + ((long long)token * kAllHeads + h) * kHeadDim);
  }
  INGOT_INLINE void normalizeAndRotate(Head& head, int h, const Head& norm, const Angles& angles) {
    if (h >= kHeads + kKvHeads) return;
    if (C::kHeadNorm) normalize(head, norm);
    rotate(head, angles);
  }
  INGOT_INLINE void storeQuery(const Head& head, float* to) {
    forEachUnit([&](int u, int d) { store(to + d, head.units[u]); });
  }
  // For heads of keys and values.
  INGOT_INLINE void append(const Head& head, int h, long long page, int slot, void* const* operands) {
    long long offset = headOffset(C::kCache, page, C::kLayers, (h - kHeads) % kKvHeads, kKvHeads, kHeadDim);
    if (h >= kHeads + kKvHeads) append(head, [&](int d) { return Layout::value(slot, d); }, (Type*)operands[kKeys + 1] + offset, slot);
    else append(head, [&](int d) { return Layout::key(d, slot); }, (Type*)operands[kKeys] + offset, slot);
  }

  // With few tokens, everything but the heads is loaded while the previous launch ends. With many, most blocks start later than that, and heads
  // come first.
  INGOT_INLINE void run(const IngotBatch& batch, void* const* operands, int index, Storage&) {
    constexpr int kWarps = kThreads / kWarp, kEach = kCudaRopeHeads / kWarps;
    int token = index / kTiles, first = index % kTiles * kCudaRopeHeads + threadIdx.x / kWarp;
    if (first >= kAllHeads) return awaitLaunches();
    Head heads[kEach], norms[kEach];
    auto awaitHeads = [&]() -> void {
      awaitLaunches();
#pragma unroll
      for (int i = 0; i < kEach; ++i)
        if (first + i * kWarps < kAllHeads) heads[i] = inputHead(operands, token, first + i * kWarps);
    };
    bool isOfMany = batch.num_tokens >= INGOT_MANY_TOKENS;
    if (isOfMany) awaitHeads();
    int position = batch.positions[token];
    long long page = pageOf(batch, token);
#pragma unroll
    for (int i = 0; i < kEach; ++i) norms[i] = normOf(operands, first + i * kWarps);
    Angles angles = anglesAt(operands, position);
    if (!isOfMany) awaitHeads();
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      int h = first + i * kWarps;
      if (h >= kAllHeads) break;
      normalizeAndRotate(heads[i], h, norms[i], angles);
      if (h < kHeads) storeQuery(heads[i], (float*)operands[kKeys + 2] + ((long long)token * kHeads + h) * kHeadDim);
      else append(heads[i], h, page, position % kPageTokens, operands);
    }
  }
};

}  // namespace rope_append
