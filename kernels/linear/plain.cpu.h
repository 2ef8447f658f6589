// Weights of 2 or 4 bytes: f32, f16, bf16. formats.cpu.h says what the functions do.
#pragma once

#include "kernels/linear/stretch.cpu.h"
#include "kernels/prim/vector.h"

namespace linear {

// Rows of x are f32.
template <WeightFormat F>
struct PlainFormat {
  static constexpr long long kRowBytes = paddedColumns(kK) * 4;
  static constexpr long long kBlockBytes = blockBytes(F, kK, 1);
  static constexpr int kStep = F == WeightFormat::bf16 ? 2 : 1;  // interleaved columns
  // Per column: 16 channels of each block.
  struct Panel {
    float weights[kStretch][kPanelBlocks][kLanes];
  };

  // The weights of kStep columns.
  INGOT_INLINE void widen(const char* at, F32x16 (&w)[kStep]) {
    if constexpr (F == WeightFormat::bf16) {
      U32x16 pair = load<U32x16>(at);
      w[0] = (F32x16)(pair << 16);
      w[1] = (F32x16)(pair & 0xffff0000u);
    } else if constexpr (F == WeightFormat::f16) {
      w[0] = toFloat(load<F16x16>(at));
    } else {
      w[0] = load<F32x16>(at);
    }
  }

  template <int Rows>
  INGOT_INLINE void stream(const char* x, const char* block, const Ahead& ahead, F32x16 (&sums)[Rows]) {
    for (long long k = 0; k < kK; k += kStep) {
      const char* at = block + k * groupBytes(F, 1);
      if (k % kUnit == 0) ahead.ask<1>(k / kUnit, 0);
      F32x16 w[kStep];
      widen(at, w);
      for (int i = 0; i < kStep; ++i)
        for (int r = 0; r < Rows; ++r) sums[r] = fma(w[i], splat(((const float*)(x + r * kRowBytes))[k + i]), sums[r]);
    }
  }

  INGOT_INLINE void unpack(const char* weights, int blocks, long long first, long long columns, Panel& panel) {
    for (int b = 0; b < blocks; ++b)
      for (long long k = 0; k < columns; k += kStep) {
        F32x16 w[kStep];
        widen(weights + b * kBlockBytes + (first + k) * groupBytes(F, 1), w);
        for (int i = 0; i < kStep; ++i) store(panel.weights[k + i][b], w[i]);
      }
  }

  template <int Rows, int Blocks>
  INGOT_INLINE void multiply(const char* x, long long first, long long columns, const Panel& panel, int block, const Ahead& ahead,
                             F32x16 (&sums)[Rows][Blocks]) {
    const float* row = (const float*)x + first;
    for (long long unit = 0; unit < columns; unit += kUnit) {
      ahead.ask<Blocks>(unit / kUnit, block);
      long long end = columns - unit < kUnit ? columns : unit + kUnit;
#pragma clang loop unroll_count(2)
      for (long long k = unit; k < end; ++k) {
        F32x16 w[Blocks];
        for (int b = 0; b < Blocks; ++b) w[b] = load<F32x16>(panel.weights[k][block + b]);
        for (int r = 0; r < Rows; ++r) {
          F32x16 value = splat(row[r * (kRowBytes / 4) + k]);
          for (int b = 0; b < Blocks; ++b) sums[r][b] = fma(w[b], value, sums[r][b]);
        }
      }
    }
  }
};

}  // namespace linear
