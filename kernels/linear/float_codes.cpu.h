// Weights of e4m3 in groups along k. formats.cpu.h says what the functions do.
#pragma once

#include "kernels/linear/stretch.cpu.h"
#include "kernels/prim/float8.h"

namespace linear {

// Rows of x are e4m3 with the same groups. Products of codes are summed in f32 over a group, then scaled.
template <WeightFormat F>
struct FloatCodesFormat {
  static constexpr long long kRowBytes = quantizedRowBytes(kK, kGroup, rowCodeOf(F));
  static constexpr long long kBlockBytes = blockBytes(F, kK, kGroup);
  static constexpr int kStep = 4;  // interleaved columns
  // Per column: 16 channels of each block, not yet scaled; and the scales of each group.
  struct Panel {
    float weights[kStretch][kPanelBlocks][kLanes];
    float scales[kStretch / kGroup][kPanelBlocks][kLanes];
  };

  INGOT_INLINE F32x16 widen(U32x16 codes, int column) { return fromFloat8(codes >> (8 * column)); }
  INGOT_INLINE float rowScale(const char* row, long long g) { return ((const float*)(row + kK))[g]; }

  // Group `g` of some rows as f32.
  template <int Rows>
  struct Values {
    alignas(64) float at[Rows][kGroup];
    INGOT_INLINE void read(const char* x, long long g, Values& values) {
      for (int r = 0; r < Rows; ++r)
        for (int c = 0; c < kGroup; c += kLanes) store(values.at[r] + c, fromFloat8(load<U8x16>(x + r * kRowBytes + g * kGroup + c)));
    }
  };

  template <int Rows>
  INGOT_INLINE void stream(const char* x, const char* block, const Ahead& ahead, F32x16 (&sums)[Rows]) {
    for (long long g = 0; g < kK / kGroup; ++g) {
      const char* group = block + g * groupBytes(F, kGroup);
      ahead.ask<1>(g, 0);
      Values<Rows> values;
      Values<Rows>::read(x, g, values);
      F32x16 dots[Rows] = {};
#pragma clang loop unroll_count(2)
      for (int k = 0; k < kGroup; k += kStep) {
        U32x16 codes = load<U32x16>(group + headerBytes(F) + 16 * k);
        for (int i = 0; i < kStep; ++i) {
          F32x16 w = widen(codes, i);
          for (int r = 0; r < Rows; ++r) dots[r] = fma(w, splat(values.at[r][k + i]), dots[r]);
        }
      }
      F32x16 scale = load<F32x16>(group);
      for (int r = 0; r < Rows; ++r) sums[r] = fma(dots[r], scale * rowScale(x + r * kRowBytes, g), sums[r]);
    }
  }

  INGOT_INLINE void unpack(const char* weights, int blocks, long long first, long long columns, Panel& panel) {
    for (int b = 0; b < blocks; ++b)
      for (long long g = 0; g < columns / kGroup; ++g) {
        const char* group = weights + b * kBlockBytes + (first / kGroup + g) * groupBytes(F, kGroup);
        store(panel.scales[g][b], load<F32x16>(group));
        for (int k = 0; k < kGroup; k += kStep) {
          U32x16 codes = load<U32x16>(group + headerBytes(F) + 16 * k);
          for (int i = 0; i < kStep; ++i) store(panel.weights[g * kGroup + k + i][b], widen(codes, i));
        }
      }
  }

  template <int Rows, int Blocks>
  INGOT_INLINE void multiply(const char* x, long long first, long long columns, const Panel& panel, int block, const Ahead& ahead,
                             F32x16 (&sums)[Rows][Blocks]) {
    for (long long g = 0; g < columns / kGroup; ++g) {
      ahead.ask<Blocks>(g, block);
      Values<Rows> values;
      Values<Rows>::read(x, first / kGroup + g, values);
      F32x16 dots[Rows][Blocks] = {};
#pragma clang loop unroll_count(2)
      for (int k = 0; k < kGroup; ++k) {
        F32x16 w[Blocks];
        for (int b = 0; b < Blocks; ++b) w[b] = load<F32x16>(panel.weights[g * kGroup + k][block + b]);
        for (int r = 0; r < Rows; ++r)
          for (int b = 0; b < Blocks; ++b) dots[r][b] = fma(w[b], splat(values.at[r][k]), dots[r][b]);
      }
      for (int b = 0; b < Blocks; ++b) {
        F32x16 scale = load<F32x16>(panel.scales[g][block + b]);
        for (int r = 0; r < Rows; ++r) sums[r][b] = fma(dots[r][b], scale * rowScale(x + r * kRowBytes, first / kGroup + g), sums[r][b]);
      }
    }
  }
};

}  // namespace linear
