// y[r, n] = body(sum_k x[r, k] * w[n, k]). Tile i is a panel of two channel blocks times all rows.
// Prelude: kN kK (of the matrix), kFormat, kGroup, kSums, kSelected, kExtras, struct Epilogue.
// Operands: x, weight, extras..., y. Channels are lanes and every sum runs over k in one order, so a row's bits do not
// depend on the other rows.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/linear/epilogue.h"
#include "kernels/linear/formats.cpu.h"

namespace linear {

// Rows that share one pass over the packed weights, and the tile of accumulators for many rows: as registers allow.
#if defined(__AVX512F__)
constexpr int kStreamRows = 8, kRowBlock = 6, kColumnBlocks = 2;
#else
constexpr int kStreamRows = 3, kRowBlock = 3, kColumnBlocks = 1;
#endif
constexpr long long kBlocks = blockCount(kN);
constexpr long long kColumns = kN / kSums;  // of the result
constexpr long long kResultStride = paddedColumns(kColumns);
typedef F32x16 Sums[kPanelBlocks];

INGOT_INLINE void finish(const F32x16* sums, int blocks, long long panel, long long row, void* const* operands) {
  float* y = (float*)operands[2 + kExtras];
  for (int b = 0; b < blocks; b += kSums) {
    long long column = (panel * kPanelBlocks + b) / kSums * kLanes;
    Place at{operands + 2, row, column, kResultStride};
    store(y + row * kResultStride + column, Epilogue::apply(sums + b, at));
  }
}

// ------------------------------------------------------------------------------------------------ few rows

template <int Rows>
INGOT_INLINE void streamRows(long long panel, long long row, int blocks, void* const* operands) {
  const char* x = (const char*)operands[0] + row * Format::kRowBytes;
  const char* weights = (const char*)operands[1] + panel * kPanelBlocks * Format::kBlockBytes;
  Sums sums[Rows];
  for (int b = 0; b < blocks; ++b) {
    F32x16 one[Rows] = {};
    Format::template stream<Rows>(x, weights + b * Format::kBlockBytes, one);
    for (int r = 0; r < Rows; ++r) sums[r][b] = one[r];
  }
  for (int r = 0; r < Rows; ++r) finish(sums[r], blocks, panel, row + r, operands);
}

// `rows` rows, at most Most.
template <int Most>
INGOT_INLINE void streamUpTo(long long panel, long long row, int rows, int blocks, void* const* operands) {
  if (rows == Most) return streamRows<Most>(panel, row, blocks, operands);
  if constexpr (Most > 1) streamUpTo<Most - 1>(panel, row, rows, blocks, operands);
}

// ------------------------------------------------------------------------------------------------ many rows

struct Scratch {
  Format::Panel panel;
  alignas(64) Sums sums[kStripRows];
};
static_assert(sizeof(Scratch) <= linearScratchBytes(kFormat, kK, kGroup));

// Adds columns [first, first + columns) to the sums of `Rows` rows.
template <int Rows, int Blocks>
INGOT_INLINE void addRows(const char* x, long long first, long long columns, const Format::Panel& panel, int block, Sums* strip) {
  F32x16 sums[Rows][Blocks];
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b) sums[r][b] = first ? strip[r][block + b] : splat(0.0f);
  Format::template multiply<Rows, Blocks>(x, first, columns, panel, block, sums);
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b) strip[r][block + b] = sums[r][b];
}

template <int Most>
INGOT_INLINE void addUpTo(const char* x, int rows, long long first, long long columns, int blocks, const Format::Panel& panel, Sums* strip) {
  if (rows == Most) {
    for (int b = 0; b < blocks; b += kColumnBlocks) addRows<Most, kColumnBlocks>(x, first, columns, panel, b, strip);
  } else if constexpr (Most > 1) {
    addUpTo<Most - 1>(x, rows, first, columns, blocks, panel, strip);
  }
}

// A strip of rows: stretch by stretch of the columns, all rows of the strip use what was unpacked.
INGOT_INLINE void computeStrip(long long panel, long long row, int rows, int blocks, void* const* operands, Scratch& scratch) {
  const char* x = (const char*)operands[0] + row * Format::kRowBytes;
  const char* weights = (const char*)operands[1] + panel * kPanelBlocks * Format::kBlockBytes;
  for (long long first = 0; first < kK; first += kStretch) {
    long long columns = kK - first < kStretch ? kK - first : kStretch;
    Format::unpack(weights, blocks, first, columns, scratch.panel);
    for (int r = 0; r < rows; r += kRowBlock) {
      int some = rows - r < kRowBlock ? rows - r : kRowBlock;
      addUpTo<kRowBlock>(x + r * Format::kRowBytes, some, first, columns, blocks, scratch.panel, scratch.sums + r);
    }
  }
  for (int r = 0; r < rows; ++r) finish(scratch.sums[r], blocks, panel, row + r, operands);
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last, void* scratch) {
  long long rows = kSelected ? args->batch->num_rows : args->batch->num_tokens;
  for (long long panel = first; panel < last; ++panel) {
    int blocks = panel * kPanelBlocks + 1 < kBlocks ? 2 : 1;
    if (rows <= kStreamRows) {
      streamUpTo<kStreamRows>(panel, 0, (int)rows, blocks, args->operands);
      continue;
    }
    for (long long row = 0; row < rows; row += kStripRows)
      computeStrip(panel, row, (int)(rows - row < kStripRows ? rows - row : kStripRows), blocks, args->operands, *(Scratch*)scratch);
  }
}

}  // namespace linear
