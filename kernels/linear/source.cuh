// Where the warps of linear's tiles for few rows read weights: from a ring of shared-memory stages that cp.async fills ahead of the products, or
// straight from global memory. A format defines the addresses of a unit's 16-byte chunks and their swizzle within a slot.
#pragma once

#include "kernels/linear/formats.cuh"

namespace linear {

// The weights that a warp reads: units [first, last) of panels [panel, lastPanel), each a few blocks of channels. `skip` panels lie between the
// tiles of a block in the persistent kernel.
struct WeightRange {
  const char* weights;
  int panel, lastPanel, first, last, skip;
};
// Blocks past the last one repeat it, and are not stored.
template <class Format>
INGOT_INLINE const char* blockOf(const char* weights, int block) {
  return weights + (block < Format::kMatrixBlocks ? block : Format::kMatrixBlocks - 1) * Format::kBlockBytes;
}

// Straight from global memory, bypassing L1.
template <class Format, int PanelBlocks>
struct Direct {
  typedef SharedArray<Words, 1> Buffer;
  const char *weights, *block;  // of the lane, in the current panel

  INGOT_INLINE Direct of(Buffer&, const WeightRange& range) { return {range.weights, nullptr}; }
  INGOT_MEMBER void prefetch() const {}
  INGOT_MEMBER void resume() const {}
  INGOT_MEMBER void enter(int panel) {
    block = blockOf<Format>(weights, panel * PanelBlocks + (PanelBlocks == 2 ? (int)threadIdx.x % kWarp / kBlockChannels : 0));
  }
  INGOT_MEMBER void await() const {}
  INGOT_MEMBER void advance() const {}
  template <class T>
  INGOT_MEMBER T part(int unit, int chunk, int further, int part) const {
    const char* at = block + Format::chunkAt(unit, chunk + further);
    if constexpr (sizeof(T) == 16) return loadStream(at);
    else return load<T>(at + part * (int)sizeof(T));
  }
};

// A unit that has arrived. A chunk of 16 bytes is read in parts of the size of T. `further`, 16 or a multiple of it, selects a chunk with the same
// swizzle as `chunk`.
template <class Source>
struct Unit {
  const Source& source;
  int unit;
  template <class T>
  INGOT_MEMBER T part(int chunk, int further, int part) const {
    return source.template part<T>(unit, chunk, further, part);
  }
};

// Units that a ring of `bytes` bytes holds for each of `warps` warps.
template <class Format>
constexpr int ringSlots(int warps, int bytes) {
  int slots = bytes / (warps * Format::kBlocks * Format::kUnitChunks * 16), most = bytes > 48 << 10 ? 32 : 12;
  return slots > most ? most : slots;
}

// A ring per warp, with kAhead units in flight, which runs on across the panels of a tile or of many. Warps do not synchronise with each other.
template <class Format, int Warps, int Bytes, int Panels, bool Many>
struct Ring {
  static constexpr bool kOnePanel = Panels == 1 && !Many;
  static constexpr int kChunks = Format::kBlocks * Format::kUnitChunks, kSlots = ringSlots<Format>(Warps, Bytes), kAhead = kSlots - 1;
  static constexpr int kEach = (kChunks + kWarp - 1) / kWarp;
  typedef SharedArray<Words, Warps * kSlots * kChunks> Buffer;
  WeightRange range;                // remaining, from the panel that is copied next
  int unit;                         // copied next, in that panel
  const char* from[kEach];          // the lane's chunks of unit 0 in that panel
  SharedAddress<Buffer> to[kEach];  // the same in slot 0
  int slot, freed;                  // offsets of the current unit's slot, and of the previous one, which is filled next
  int lane;
  SharedAddress<Buffer> own;  // that the lane reads from, in slot 0

  INGOT_MEMBER int laneChunk(int i) const { return i * kWarp + lane; }
  INGOT_INLINE Ring of(Buffer& buffer, const WeightRange& range) {
    int lane = threadIdx.x % kWarp, first = (int)threadIdx.x / kWarp * kSlots * kChunks;
    int block = Format::kBlocks == 2 ? lane / kBlockChannels : 0;
    Ring ring{range, range.first, {}, {}, 0, (kSlots - 1) * kChunks, lane, addressIn(buffer, first + block * Format::kUnitChunks)};
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      int upper = ring.laneChunk(i) / Format::kUnitChunks, chunk = ring.laneChunk(i) % Format::kUnitChunks;
      if (ring.laneChunk(i) < kChunks) ring.to[i] = addressIn(buffer, first + upper * Format::kUnitChunks + Format::swizzle(chunk));
    }
    ring.findPanel();
    return ring;
  }
  INGOT_MEMBER void findPanel() {
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      int upper = laneChunk(i) / Format::kUnitChunks, chunk = laneChunk(i) % Format::kUnitChunks;
      from[i] = blockOf<Format>(range.weights, range.panel * Format::kBlocks + upper) + chunk * 16;
      opaque(from[i]);
    }
  }
  INGOT_MEMBER bool isThere() const { return unit < range.last && (kOnePanel || range.panel < range.lastPanel); }
  INGOT_MEMBER void next() {
    ++unit;
    if (kOnePanel || unit < range.last) return;
    unit = range.first;
    ++range.panel;
    if (Many && range.panel % Panels == 0) range.panel += range.skip;
    findPanel();
  }
  INGOT_MEMBER void copy(int further) {
    if (isThere())
#pragma unroll
      for (int i = 0; i < kEach; ++i)
        if (laneChunk(i) < kChunks) copyAsync(to[i], further, from[i] + Format::unitAt(unit, laneChunk(i) % Format::kUnitChunks));
    commitCopies();
    next();
  }
  INGOT_MEMBER void prefetch() {
#pragma unroll 1
    for (int i = 0; i < kAhead; ++i) copy(i * kChunks);
  }
  // Advances as prefetch() did, whose copies were started by an earlier call.
  INGOT_MEMBER void resume() {
    if (kOnePanel) unit += kAhead;
    else
#pragma unroll 1
      for (int i = 0; i < kAhead; ++i) next();
  }
  INGOT_MEMBER void enter(int) const {}
  // Waits for the current unit. The previous one is no longer read, and its slot is filled next.
  INGOT_MEMBER void await() {
    waitForCopies<kAhead - 1>();
    __syncwarp();
    copy(freed);
  }
  template <class T>
  INGOT_MEMBER T part(int, int chunk, int further, int part) const {
    return loadPart<T>(own, Format::swizzle(chunk) + slot + further, part);
  }
  INGOT_MEMBER void advance() {
    freed = slot;
    slot = slot + kChunks == kSlots * kChunks ? 0 : slot + kChunks;
  }
};

}  // namespace linear
