// A stage of gemm.cuh: a few columns of x and of the weights in shared memory, as fragments of two mma along k. Weights keep the packed layout,
// with 16-byte chunks swizzled so that a warp's reads are free of bank conflicts.
#pragma once

#include "kernels/linear/fragments.cuh"
#include "kernels/linear/linear.spec.h"

namespace linear {

// 16-bit weights: one unit of 16 columns and two parts of x (bf16), or two units and one part (f16). A warp has 64 channels, as four mma.
template <class C>
struct PlainStage {
  typedef typename NarrowOf<C::kFormat>::Type Narrow;
  static constexpr int kColumns = cudaGemmColumns(C::kFormat), kUnits = kColumns / 16, kProducts = 4, kBlocks = kProducts;
  static constexpr int kParts = Narrow::kParts;
  static_assert(kUnits * kParts == 2);
  static constexpr long long kRowBytes = plainRowBytes<C::kNarrow>(C::kK), kBlockBytes = blockBytes(C::kFormat, C::kK, 1);
  static constexpr int kChunks = kUnits * 32, kRowGroups = 0;  // of a channel block

  INGOT_INLINE int chunkOf(int stage, int chunk) { return stage * kChunks + chunk; }  // in the block
  INGOT_INLINE int swizzle(int chunk) { return linear::swizzle(chunk); }

  // What lane t % 4 of a row takes from memory for a stage.
  struct Row {
    typename RowElement<C::kNarrow>::Pair at[2 * kUnits];
  };
  INGOT_INLINE Row rowAt(const char* x, int stage, int t) {
    Row row;
    for (int i = 0; i < 2 * kUnits; ++i) row.at[i] = pairAt<C::kNarrow>(x, stage * kColumns + i * 8 + 2 * t);
    return row;
  }
  INGOT_INLINE Words fragmentOf(const Row& row) {
    Words words;
    for (int i = 0; i < 2 * kUnits; ++i) {
      unsigned parts[kParts];
      Narrow::partsOf(row.at[i], parts);
      for (int part = 0; part < kParts; ++part) words.at[(i / 2 * kParts + part) * 2 + i % 2] = parts[part];
    }
    return words;
  }

  // The channel, of the warp's 64, that is row lane / 4 (+ 8 if `upper`) of mma m.
  INGOT_INLINE int channelOf(int m, int upper, int lane) {
    if constexpr (C::kFormat == WeightFormat::bf16) return m / 2 * 32 + lane / 4 * 4 + m % 2 * 2 + upper;
    else return lane / 4 * 8 + m * 2 + upper;
  }
  // weights(b, chunk) returns a chunk of the warp's block b.
  template <class WeightsAt>
  INGOT_INLINE void fragments(const WeightsAt& weights, int unit, int lane, unsigned (&a)[kProducts][4]) {
    int t = lane % 4;
    if constexpr (C::kFormat == WeightFormat::bf16) {
      for (int panel = 0; panel < 2; ++panel) {
        int block = panel * 2 + lane / 16, chunk = unit * 32 + t * 4 + lane / 4 % 4;
        Words first = weights(block, chunk), second = weights(block, chunk + 16);
        for (int m = 0; m < 2; ++m)
          for (int i = 0; i < 4; ++i) a[panel * 2 + m][i] = i < 2 ? first.at[2 * m + i] : second.at[2 * m + i - 2];
      }
    } else {
      Words columns[4];  // 2t, 2t + 1, 2t + 8, 2t + 9 of eight channels
      for (int i = 0; i < 4; ++i) columns[i] = weights(lane / 8, unit * 32 + (2 * t + i % 2 + i / 2 * 8) * 2 + lane / 4 % 2);
      for (int m = 0; m < kProducts; ++m)
        for (int i = 0; i < 4; ++i) a[m][i] = pairHalves(columns[i / 2 * 2].at[m], columns[i / 2 * 2 + 1].at[m], i % 2);
    }
  }

  template <int Groups, class WeightsAt, class RowGroupAt>
  INGOT_INLINE void add(const WeightsAt& weights, const Words (&x)[Groups], const RowGroupAt&, int lane, float (&sums)[kProducts][Groups][4]) {
#pragma unroll
    for (int unit = 0; unit < kUnits; ++unit) {
      unsigned a[kProducts][4];
      fragments(weights, unit, lane, a);
#pragma unroll
      for (int m = 0; m < kProducts; ++m)
        for (int g = 0; g < Groups; ++g)
          for (int part = 0; part < kParts; ++part) {
            int at = (unit * kParts + part) * 2;
            unsigned b[2] = {x[g].at[at], x[g].at[at + 1]};
            Narrow::multiply(sums[m][g], a[m], b);
          }
    }
  }
};

// Codes: 64 columns, one unit or two. Half a group carries the group's header too. A warp has 32 channels, as two mma.
template <class C>
struct CodeStage {
  static constexpr WeightFormat kFormat = C::kFormat;
  typedef Codes<kFormat> Coding;
  static constexpr int kUnitColumns = cudaUnitColumns(kFormat, C::kGroup), kParts = (int)C::kGroup / kUnitColumns;  // of a group
  static constexpr int kColumns = cudaGemmColumns(kFormat), kUnits = kColumns / kUnitColumns, kProducts = 2, kBlocks = 2;
  static constexpr long long kRowBytes = quantizedRowBytes(C::kK, C::kGroup, rowCodeOf(kFormat)), kBlockBytes = blockBytes(kFormat, C::kK, C::kGroup);
  static constexpr int kHeaderChunks = headerBytes(kFormat) / 16, kStepChunks = hasByteCodes(kFormat) ? 32 : 16;
  static constexpr int kSteps = kUnitColumns / 32;  // mma along a unit
  static constexpr int kUnitChunks = kHeaderChunks + kSteps * kStepChunks, kChunks = kUnits * kUnitChunks, kRowGroups = kUnits;

  INGOT_INLINE int chunkOf(int stage, int chunk) {
    if constexpr (kParts == 1) return stage * kChunks + chunk;
    int group = stage / kParts * (int)groupBytes(kFormat, C::kGroup) / 16;
    return group + (chunk < kHeaderChunks ? chunk : stage % kParts * kSteps * kStepChunks + chunk);
  }
  INGOT_INLINE int swizzle(int chunk) {
    int unit = chunk / kUnitChunks * kUnitChunks, at = chunk - unit - kHeaderChunks;
    return at < 0 ? chunk : unit + kHeaderChunks + linear::swizzle(at);
  }

  struct Row {
    TwoWords at[2];
  };
  INGOT_INLINE Row rowAt(const char* x, int stage, int t) {
    return {{codesAt<kFormat>(x + stage * kColumns, t), codesAt<kFormat>(x + stage * kColumns + 32, t)}};
  }
  INGOT_INLINE Words fragmentOf(const Row& row) { return {{row.at[0].at[0], row.at[0].at[1], row.at[1].at[0], row.at[1].at[1]}}; }
  // Scale and sum of the group that holds unit `unit` of a stage, for one row.
  INGOT_INLINE RowGroup rowGroupAt(const char* x, int stage, int unit) {
    const char* scales = x + C::kK + (stage * kUnits + unit) / kParts * 4ll;
    return {load<float>(scales), kFormat == WeightFormat::f8 ? 0 : load<int>(scales + C::kK / C::kGroup * 4)};
  }

  INGOT_INLINE int channelOf(int m, int upper, int lane) { return lane / 4 * 4 + m * 2 + upper; }

  // The halves of mma m's two channels in a header of 16 halves.
  template <class WeightsAt>
  INGOT_INLINE unsigned halvesAt(const WeightsAt& weights, int chunk, int m, int lane) {
    int quad = lane / 4 % 4;
    Words halves = weights(lane / 16, chunk + quad / 2);
    return quad % 2 ? halves.at[2 + m] : halves.at[m];
  }
  // Scales of mma m's two channels for a unit.
  struct Channels {
    typename Coding::Channel at[2];
  };
  template <class WeightsAt>
  INGOT_INLINE Channels channelsOf(const WeightsAt& weights, int header, int m, int lane) {
    if constexpr (kFormat == WeightFormat::f8) {
      Words scales = weights(lane / 16, header + lane / 4 % 4);
      return {{{asFloat(scales.at[2 * m])}, {asFloat(scales.at[2 * m + 1])}}};
    } else {
      unsigned scales = halvesAt(weights, header, m, lane), minima = kFormat == WeightFormat::i4m ? halvesAt(weights, header + 2, m, lane) : 0;
      return {{{(unsigned short)scales, (unsigned short)minima}, {(unsigned short)(scales >> 16), (unsigned short)(minima >> 16)}}};
    }
  }

  template <int Groups, class WeightsAt, class RowGroupAt>
  INGOT_INLINE void add(const WeightsAt& weights, const Words (&x)[Groups], const RowGroupAt& rowGroup, int lane,
                        float (&sums)[kProducts][Groups][4]) {
#pragma unroll
    for (int unit = 0; unit < kUnits; ++unit) {
      typename Coding::Dot dots[kProducts][Groups][4] = {};
#pragma unroll
      for (int step = 0; step < kSteps; ++step) {
        int chunk = unit * kUnitChunks + kHeaderChunks + step * kStepChunks + lane % 4 * 4 + lane / 4 % 4;
        Words first = weights(lane / 16, chunk), second = kStepChunks == 32 ? weights(lane / 16, chunk + 16) : first;
        for (int m = 0; m < kProducts; ++m) {
          unsigned a[4];
          codeFragments<kFormat>(first, second, m, a);
          for (int g = 0; g < Groups; ++g) {
            int at = (unit * kSteps + step) * 2;
            unsigned b[2] = {x[g].at[at], x[g].at[at + 1]};
            Coding::multiply(dots[m][g], a, b);
          }
        }
      }
#pragma unroll
      for (int g = 0; g < Groups; ++g) {
        RowGroup rows[2] = {rowGroup(unit, g, 0), rowGroup(unit, g, 1)};
        for (int m = 0; m < kProducts; ++m) {
          Channels channels = channelsOf(weights, unit * kUnitChunks, m, lane);
          for (int i = 0; i < 4; ++i) Coding::add(sums[m][g][i], Coding::productsOf(dots[m][g][i]), channels.at[i / 2], rows[i % 2]);
        }
      }
    }
  }
};

template <class C, bool Codes>
struct StageOf {
  typedef PlainStage<C> Type;
};
template <class C>
struct StageOf<C, true> {
  typedef CodeStage<C> Type;
};

}  // namespace linear
