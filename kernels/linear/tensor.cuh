// Inner loops of linear for few rows with mma.sync. Words of the packed layout are fragments or nearly so: a word holds neighbouring columns of
// one channel, 16 bytes hold four channels at one position along k. With two blocks a lane takes channels 4 (lane / 4) ... + 3, as rows lane / 4
// and lane / 4 + 8 of two mma; with one block it takes 2 (lane / 4) and the next one, of one mma. The order of words along k is free as long as x
// follows it. A format defines the addresses of a unit's 16-byte chunks, which come from a Ring or straight from memory (source.cuh).
#pragma once

#include "kernels/linear/fragments.cuh"
#include "kernels/linear/source.cuh"

namespace linear {

// A lane's pointers into unit 0 of the rows: to the columns of its B fragment, and to the scales of its accumulators' rows.
template <int Groups>
struct RowPointers {
  const char *columns[Groups], *scales[Groups][2];
};

// 16-bit weights: a unit is 16 columns, one mma.
template <class C, int Blocks>
struct TensorPlain : PlainFormat<C> {
  typedef typename NarrowOf<C::kFormat>::Type Narrow;
  typedef LaneOf<Blocks> Lane;
  static constexpr int kBlocks = Blocks, kUnitChunks = 32;  // of a block
  static constexpr int kSpareWords = 15;                    // registers left for loads of x in flight

  // Offset in the block.
  INGOT_INLINE long long unitAt(int unit, int) { return unit * 512ll; }
  INGOT_INLINE long long chunkAt(int unit, int chunk) { return unitAt(unit, chunk) + chunk * 16; }
  INGOT_INLINE int swizzle(int chunk) { return linear::swizzle(chunk); }

  struct Weights {
    unsigned a[Blocks][4];
  };
  template <class Unit>
  INGOT_INLINE Weights weightsOf(const Unit& unit, Lane own) {
    Weights weights;
    int t = own.lane % 4;
    if constexpr (C::kFormat == WeightFormat::bf16) {
      Words first = own.wordsOf(unit, t * 4 + own.quad()), second = own.wordsOf(unit, t * 4 + own.quad(), 16);
      for (int m = 0; m < Blocks; ++m)
        for (int i = 0; i < 4; ++i) weights.a[m][i] = i < 2 ? first.at[2 * m + i] : second.at[2 * m + i - 2];
    } else {
      TwoWords columns[4];  // 2t, 2t + 1, 2t + 8, 2t + 9
      for (int i = 0; i < 4; ++i) columns[i] = own.halvesOf(unit, (2 * t + i % 2) * 2, i / 2 * 16);
      for (int m = 0; m < Blocks; ++m)
        for (int i = 0; i < 4; ++i) weights.a[m][i] = pairHalves(columns[i / 2 * 2].at[m], columns[i / 2 * 2 + 1].at[m], i % 2);
    }
    return weights;
  }

  // A unit of x as loaded.
  typedef typename RowElement<C::kNarrow>::Pair Pair;
  INGOT_INLINE constexpr int rowWords(bool) { return sizeof(Pair) / 4 * 2; }  // per group of rows
  INGOT_INLINE const char* columnsOf(const char* row, int t) { return row + t * (int)sizeof(Pair); }
  INGOT_INLINE const char* scalesOf(const char* row) { return row; }  // none
  template <int Groups>
  struct Rows {
    Pair at[Groups][2];
  };
  template <int Groups, bool>
  INGOT_INLINE Rows<Groups> rowsAt(const RowPointers<Groups>& pointers, int unit) {
    Rows<Groups> rows;
#pragma unroll
    for (int g = 0; g < Groups; ++g)
      for (int i = 0; i < 2; ++i) rows.at[g][i] = pairAt<C::kNarrow>(pointers.columns[g], unit * 16 + i * 8);
    return rows;
  }

  template <int Groups, bool, class Unit>
  INGOT_INLINE void accumulate(const Rows<Groups>& rows, const Unit& unit, int lane, float (&sums)[Groups][4 * Blocks]) {
    Weights weights = weightsOf(unit, {lane});
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      unsigned first[Narrow::kParts], second[Narrow::kParts];
      Narrow::partsOf(rows.at[g][0], first);
      Narrow::partsOf(rows.at[g][1], second);
      for (int m = 0; m < Blocks; ++m) {
        float d[4] = {sums[g][4 * m], sums[g][4 * m + 1], sums[g][4 * m + 2], sums[g][4 * m + 3]};
        for (int part = 0; part < Narrow::kParts; ++part) {
          unsigned b[2] = {first[part], second[part]};
          Narrow::multiply(d, weights.a[m], b);
        }
        for (int i = 0; i < 4; ++i) sums[g][4 * m + i] = d[i];
      }
    }
  }
};

// Codes of 4 or 8 bits, 32 columns per mma: the sums of a unit are exact integers, or f32 of e4m3 products, and are scaled once per unit.
template <class C, int Blocks>
struct TensorCodes : QuantizedFormat<C> {
  typedef QuantizedFormat<C> Base;
  typedef typename Base::Coding Coding;
  typedef LaneOf<Blocks> Lane;
  static constexpr WeightFormat kFormat = C::kFormat;
  static constexpr bool kBytes = hasByteCodes(kFormat);
  static constexpr int kBlocks = Blocks, kSteps = Base::kUnitColumns / 32, kStepChunks = kBytes ? 32 : 16, kHeaderChunks = headerBytes(kFormat) / 16;
  static constexpr int kUnitChunks = kHeaderChunks + kSteps * kStepChunks;  // of a block; part of a group carries the group's header too

  // Offset in the block, without that of the chunk itself.
  INGOT_INLINE long long unitAt(int unit, int chunk) {
    long long group = Base::groupOf(unit) * groupBytes(kFormat, Base::kGroup);
    int part = unit * Base::kUnitColumns % Base::kGroup * Base::kBytesOfColumn;
    return Base::kUnitColumns == Base::kGroup || chunk < kHeaderChunks ? group : group + part;
  }
  INGOT_INLINE long long chunkAt(int unit, int chunk) { return unitAt(unit, chunk) + chunk * 16; }
  INGOT_INLINE int swizzle(int chunk) { return chunk < kHeaderChunks ? chunk : kHeaderChunks + linear::swizzle(chunk - kHeaderChunks); }

  static constexpr int kSpareWords = C::kResultGroup ? 11 : 15;
  INGOT_INLINE constexpr int rowWords(bool single) { return 2 * kSteps + (single ? 2 : 4); }
  template <int Groups>
  struct Rows {
    TwoWords words[Groups][kSteps];
    RowGroup groups[Groups][2];
  };
  INGOT_INLINE const char* columnsOf(const char* row, int t) { return row + t * (kBytes ? 4 : 8); }
  template <int Groups, bool Single>
  INGOT_INLINE Rows<Groups> rowsAt(const RowPointers<Groups>& pointers, int unit) {
    Rows<Groups> rows;
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      for (int step = 0; step < kSteps; ++step)
        rows.words[g][step] = linear::codesAt<kFormat>(pointers.columns[g] + unit * (long long)Base::kUnitColumns + step * 32, 0);
      for (int i = 0; i < (Single ? 1 : 2); ++i) rows.groups[g][i] = Base::rowGroup(pointers.scales[g][i], unit);
    }
    return rows;
  }

  // Scales of the lane's channels for a unit.
  struct Channels {
    typename Coding::Channel at[2 * Blocks];
  };
  template <class Unit>
  INGOT_INLINE Channels channelsOf(const Unit& unit, Lane own) {
    Channels channels;
    if constexpr (kFormat == WeightFormat::f8) {
      Words scales = own.wordsOf(unit, own.quad());
      for (int i = 0; i < 2 * Blocks; ++i) channels.at[i] = {asFloat(scales.at[i])};
    } else {
      TwoWords scales = own.halvesOf(unit, 0), minima = {};
      if constexpr (kFormat == WeightFormat::i4m) minima = own.halvesOf(unit, 2);
      for (int i = 0; i < 2 * Blocks; ++i)
        channels.at[i] = {(unsigned short)(scales.at[i / 2] >> i % 2 * 16), (unsigned short)(minima.at[i / 2] >> i % 2 * 16)};
    }
    return channels;
  }

  // A single row uses only the accumulators with even i, of some lanes; the others are ignored.
  template <int Groups, bool Single, class Unit>
  INGOT_INLINE void accumulate(const Rows<Groups>& rows, const Unit& unit, int lane, float (&sums)[Groups][4 * Blocks]) {
    Lane own{lane};
    typename Coding::Dot dots[Groups][Blocks][4] = {};
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      int chunk = kHeaderChunks + lane % 4 * 4 + own.quad(), further = step * kStepChunks;
      Words first = own.wordsOf(unit, chunk, further), second = kBytes ? own.wordsOf(unit, chunk, further + 16) : first;
      unsigned a[Blocks][4];
      for (int m = 0; m < Blocks; ++m) codeFragments<kFormat>(first, second, m, a[m]);
#pragma unroll
      for (int g = 0; g < Groups; ++g)
        for (int m = 0; m < Blocks; ++m) Coding::multiply(dots[g][m], a[m], rows.words[g][step].at);
    }
    Channels channels = channelsOf(unit, own);
#pragma unroll
    for (int g = 0; g < Groups; ++g)
      for (int i = 0; i < 4 * Blocks; i += Single ? 2 : 1)
        Coding::add(sums[g][i], Coding::productsOf(dots[g][i / 4][i % 4]), channels.at[i / 2], rows.groups[g][i % 2]);
  }
};

// Accumulates the units of a warp's run; `source` has started to copy them. Sum i of a lane is its channel i / 2 and row 2 (lane % 4) + i % 2.
template <class Format>
struct TensorLoop {
  static constexpr int kSums = 4 * Format::kBlocks;
  INGOT_INLINE int rowOf(int i, int lane) { return 2 * (lane % 4) + i % 2; }
  INGOT_INLINE int channelOf(int i, int lane) { return 2 * Format::kBlocks * (lane / 4) + i / 2; }

  // `Shared`: x is in shared memory.
  template <int Groups, bool Single, bool Shared, class Source>
  INGOT_INLINE void run(const char* x, int rows, Source& source, int first, int last, int lane, float (&sums)[Groups][kSums]) {
    auto rowAt = [&](int row) -> const char* { return x + (row < rows ? row : rows - 1) * Format::kRowBytes; };
    RowPointers<Groups> pointers;
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      pointers.columns[g] = Format::columnsOf(rowAt(g * kRows + lane / 4), lane % 4);
      Shared ? opaqueShared(pointers.columns[g]) : opaque(pointers.columns[g]);
      for (int i = 0; i < 2; ++i) {
        pointers.scales[g][i] = Format::scalesOf(rowAt(g * kRows + 2 * (lane % 4) + i));
        Shared ? opaqueShared(pointers.scales[g][i]) : opaque(pointers.scales[g][i]);
      }
    }
    // Waits for the unit's weights and multiplies them. Loads of its rows were issued before.
    auto multiply = [&](const typename Format::template Rows<Groups>& unitRows, int unit) {
      source.await();
      Format::template accumulate<Groups, Single>(unitRows, Unit<Source>{source, unit}, lane, sums);
      source.advance();
    };
    if constexpr (Shared) {
#pragma unroll 2
      for (int unit = first; unit < last; ++unit) multiply(Format::template rowsAt<Groups, Single>(pointers, unit), unit);
      return;
    }
    // Rows are loaded kDepth units ahead: a load that misses takes as long as a unit of weights. With many rows a unit takes longer than that, and
    // registers run short.
    typedef typename Format::template Rows<Groups> Rows;
    constexpr int kFit = Format::kSpareWords / (Format::rowWords(Single) * Groups), kDepth = kFit > 4 ? 4 : kFit, kUnroll = kDepth ? kDepth : 1;
    auto fetch = [&](int unit, Rows(&rows)[kUnroll]) {
#pragma unroll
      for (int i = 0; i < kUnroll; ++i)
        rows[i] = Format::template rowsAt<Groups, Single>(pointers, unit + i < last ? unit + i : last > first ? last - 1 : 0);
    };
    Rows next[kUnroll];
    if (kDepth) fetch(first, next);
    for (int unit = first; unit < last; unit += kUnroll) {
      Rows now[kUnroll];
      if (!kDepth) fetch(unit, now);
#pragma unroll
      for (int i = 0; i < kDepth; ++i) now[i] = next[i];
      if (kDepth) fetch(unit + kDepth, next);
#pragma unroll
      for (int i = 0; i < kUnroll; ++i)
        if (unit + i < last) multiply(now[i], unit + i);
    }
  }
};

}  // namespace linear
