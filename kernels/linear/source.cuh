// Where the warps of linear's tiles for few rows take their weights from: a ring in shared memory, which copies fill ahead of the products, or
// memory itself. A format says where a unit's chunks of 16 bytes are, and how a slot keeps them.
#pragma once

#include "kernels/linear/formats.cuh"

namespace linear {

// What a warp reads of a matrix: of panels one after another, each some blocks of channels, the units [first, last). Those of several tiles are
// `skip` panels apart.
struct WeightRange {
  const char* weights;
  int panel, lastPanel, first, last, skip;
};
// Blocks behind the last one repeat it, and are not stored.
template <class Format>
INGOT_INLINE const char* blockOf(const char* weights, int block) {
  return weights + (block < Format::kMatrixBlocks ? block : Format::kMatrixBlocks - 1) * Format::kBlockBytes;
}

// Weights straight from memory, past the first-level cache.
template <class Format, int PanelBlocks>
struct Direct {
  typedef SharedArray<Words, 1> Buffer;
  const char *weights, *block;  // the lane's, of the panel at hand

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

// A unit that has come. Its chunks of 16 bytes have parts of the size of T; those of `chunk` lie as those `further` ones behind it do, 16 or a
// multiple of it.
template <class Source>
struct Unit {
  const Source& source;
  int unit;
  template <class T>
  INGOT_MEMBER T part(int chunk, int further, int part) const {
    return source.template part<T>(unit, chunk, further, part);
  }
};

// Units that a ring of so many bytes keeps for each warp.
template <class Format>
constexpr int ringSlots(int warps, int bytes) {
  int slots = bytes / (warps * Format::kBlocks * Format::kUnitChunks * 16), most = bytes > 48 << 10 ? 32 : 12;
  return slots > most ? most : slots;
}

// A warp's units on their way through shared memory, kAhead of them ahead of the products, from panel to panel of a tile, or of many. It waits for
// nobody but itself.
template <class Format, int Warps, int Bytes, int Panels, bool Many>
struct Ring {
  static constexpr bool kOnePanel = Panels == 1 && !Many;
  static constexpr int kChunks = Format::kBlocks * Format::kUnitChunks, kSlots = ringSlots<Format>(Warps, Bytes), kAhead = kSlots - 1;
  static constexpr int kEach = (kChunks + kWarp - 1) / kWarp;
  typedef SharedArray<Words, Warps * kSlots * kChunks> Buffer;
  WeightRange range;                // from the panel that is copied next
  int unit;                         // of it
  const char* from[kEach];          // the lane's chunks in that panel, of unit 0
  SharedAddress<Buffer> to[kEach];  // in the first slot
  int slot, freed;                  // places to that of the unit at hand, and of the unit before it
  int lane;
  SharedAddress<Buffer> own;  // the first one that it reads from

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
  // As begin(), which somebody has done.
  INGOT_MEMBER void resume() {
    if (kOnePanel) unit += kAhead;
    else
#pragma unroll 1
      for (int i = 0; i < kAhead; ++i) next();
  }
  INGOT_MEMBER void enter(int) const {}
  // Behind it the unit has come, and nobody reads the one before it any more, whose place is filled next.
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
