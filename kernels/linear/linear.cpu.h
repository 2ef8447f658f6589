// y[r, n] = body(sum_k x[r, k] * w[n, k]), as f32 or as quantised rows. Tile i is all rows times a few panels of two channel blocks.
// Prelude: kN kK (of the matrix), kFormat, kGroup, kSums, kSelected, kExtras, kResultGroup (0: f32), struct Epilogue.
// Operands: x, weight, extras..., y. Channels are lanes and every sum runs over k in one order, so a row's bits do not
// depend on the other rows.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/linear/epilogue.h"
#include "kernels/linear/formats.cpu.h"
#include "kernels/linear/tiles.cpu.h"
#include "kernels/prim/quantize.cpu.h"

namespace linear {

// Rows that share one pass over the packed weights, and the tile of accumulators for many rows: as registers allow.
#if defined(__AVX512F__)
constexpr int kStreamRows = 8, kRowBlock = 6, kColumnBlocks = 2;
#elif defined(__AVX2__)
constexpr int kStreamRows = 4, kRowBlock = 4, kColumnBlocks = 1;
#else
constexpr int kStreamRows = 4, kRowBlock = kFormat == WeightFormat::i8 ? 4 : 6, kColumnBlocks = 1;
#endif
constexpr bool kUsesTiles = kTiles && isQuantized(kFormat);
constexpr long long kBlocks = blockCount(kN), kPanels = (kBlocks + kPanelBlocks - 1) / kPanelBlocks;
constexpr int kTilePanels = tilePanels(kSums, kResultGroup), kTileColumns = kTilePanels * kPanelBlocks * kLanes / kSums;
constexpr long long kColumns = kN / kSums;  // of the result
constexpr long long kResultStride = paddedColumns(kColumns);
typedef F32x16 Sums[kPanelBlocks];
// Blocks of rows that are few, and the columns that they take at once.
constexpr int kFewParts = 3;
constexpr long long kPiece = isQuantized(kFormat) ? (63 / kGroup + 1) * kGroup : 64;

struct Scratch {
  Format::Panel panel;
  alignas(64) Sums sums[kStripRows];
  alignas(64) float values[kResultGroup ? kStripRows : 1][kTileColumns];  // of a tile, before it is quantised
};
static_assert(sizeof(Scratch) <= linearScratchBytes(kFormat, kK, kGroup, kSums, kResultGroup));

INGOT_INLINE int blocksOf(long long panel) { return panel * kPanelBlocks + 1 < kBlocks ? 2 : 1; }

// A panel and some rows, where they come from and where the results go.
struct Task {
  long long panel, row;
  int blocks;
  void* const* operands;
  float* results;  // of column 0 and the first of the rows
  long long resultStride;

  INGOT_INLINE Task of(long long panel, long long row, void* const* operands, Scratch& scratch) {
    Task task{panel, row, blocksOf(panel), operands, (float*)operands[2 + kExtras] + row * kResultStride, kResultStride};
    if constexpr (kResultGroup != 0) {
      task.results = scratch.values[0] - panel / kTilePanels * kTileColumns;
      task.resultStride = kTileColumns;
    }
    return task;
  }
  inline __attribute__((always_inline)) const char* x() const { return (const char*)operands[0] + row * Format::kRowBytes; }
  inline __attribute__((always_inline)) const char* weights() const { return (const char*)operands[1] + panel * kPanelBlocks * Format::kBlockBytes; }
  // The sums of row `row + r` become results.
  inline __attribute__((always_inline)) void finish(const F32x16* sums, int r) const {
    for (int b = 0; b < blocks; b += kSums) {
      long long column = (panel * kPanelBlocks + b) / kSums * kLanes;
      Place at{operands + 2, row + r, column, kResultStride};
      store(results + r * resultStride + column, Epilogue::apply(sums + b, at));
    }
  }
};

// ------------------------------------------------------------------------------------------------ few rows

template <int Rows>
INGOT_INLINE void streamRows(const Task& task) {
  Sums sums[Rows];
  for (int b = 0; b < task.blocks; ++b) {
    F32x16 one[Rows] = {};
    Format::template stream<Rows>(task.x(), task.weights() + b * Format::kBlockBytes, one);
    for (int r = 0; r < Rows; ++r) sums[r][b] = one[r];
  }
  for (int r = 0; r < Rows; ++r) task.finish(sums[r], r);
}

// `rows` rows, at most Most.
template <int Most>
INGOT_INLINE void streamUpTo(const Task& task, int rows) {
  if (rows == Most) return streamRows<Most>(task);
  if constexpr (Most > 1) streamUpTo<Most - 1>(task, rows);
}

// ------------------------------------------------------------------------------------------------ many rows

// Adds columns of the stretch that begins at `first` to the sums of `Rows` rows.
template <int Rows, int Blocks>
INGOT_INLINE void addRows(const char* x, long long first, Columns part, const Format::Panel& panel, int block, Sums* strip) {
  F32x16 sums[Rows][Blocks];
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b) sums[r][b] = first + part.first ? strip[r][block + b] : splat(0.0f);
  Format::template multiply<Rows, Blocks>(x, first, part, panel, block, sums);
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b) strip[r][block + b] = sums[r][b];
}

template <int Most>
INGOT_INLINE void addUpTo(const char* x, int rows, long long first, Columns part, int blocks, const Format::Panel& panel, Sums* strip) {
  if (rows == Most) {
    for (int b = 0; b < blocks; b += kColumnBlocks) addRows<Most, kColumnBlocks>(x, first, part, panel, b, strip);
  } else if constexpr (Most > 1) {
    addUpTo<Most - 1>(x, rows, first, part, blocks, panel, strip);
  }
}

INGOT_INLINE void addSome(const char* x, int rows, long long first, Columns part, int blocks, const Format::Panel& panel, Sums* strip) {
#if defined(__AMX_INT8__)
  if constexpr (kUsesTiles) {
    for (int b = 0; b < blocks; ++b) addTile<Format>(x, rows, first, part, panel, b, strip);
    return;
  }
#endif
  addUpTo<kRowBlock>(x, rows, first, part, blocks, panel, strip);
}

// Asks for part `part` of `parts` of the weights that are unpacked next: those behind column `next`, or the first ones of the next panel.
INGOT_INLINE void prefetchPart(const Task& task, long long next, int part, int parts) {
  const char* from = next < kK ? task.weights() + blockBytes(kFormat, next, kGroup) : task.weights() + kPanelBlocks * Format::kBlockBytes;
  constexpr long long kBytes = blockBytes(kFormat, kStretch, kGroup);
  for (int b = 0; b < task.blocks; ++b)
    for (long long at = kBytes * part / parts; at < kBytes * (part + 1) / parts; at += 64)
      __builtin_prefetch(from + b * Format::kBlockBytes + at, 0, 2);
}

// Stretch by stretch of the columns, all rows of the strip use what was unpacked, in blocks of about the same size. Few rows take
// it in pieces, so that the weights ahead are asked for a few lines at a time: a core has buffers for a dozen or two.
INGOT_INLINE void computeStrip(const Task& task, int rows, Scratch& scratch) {
  constexpr int kMost = kUsesTiles ? kTileRows : kRowBlock;
  int parts = (rows + kMost - 1) / kMost, each = (rows + parts - 1) / parts;
  for (long long first = 0; first < kK; first += kStretch) {
    long long columns = kK - first < kStretch ? kK - first : kStretch;
    Format::unpack(task.weights(), task.blocks, first, columns, scratch.panel);
    long long piece = parts > kFewParts ? columns : kPiece;
    int asked = 0, all = (int)((columns + piece - 1) / piece) * parts;
    for (long long from = 0; from < columns; from += piece)
      for (int r = 0; r < rows; r += each) {
        prefetchPart(task, first + columns, asked++, all);
        Columns part{from, columns - from < piece ? columns : from + piece};
        addSome(task.x() + r * Format::kRowBytes, rows - r < each ? rows - r : each, first, part, task.blocks, scratch.panel, scratch.sums + r);
      }
  }
  for (int r = 0; r < rows; ++r) task.finish(scratch.sums[r], r);
}

// ------------------------------------------------------------------------------------------------ tiles

INGOT_INLINE void quantizeResults(long long tile, long long row, int rows, void* const* operands, const Scratch& scratch) {
  constexpr int kRounded = kResultGroup ? kResultGroup : kLanes;  // never divided by zero, though not called then
  constexpr long long kRowBytes = quantizedRowBytes(kColumns, kRounded);
  long long first = tile * kTileColumns, columns = kColumns - first < kTileColumns ? kColumns - first : kTileColumns;
  char* y = (char*)operands[2 + kExtras] + row * kRowBytes;
  for (int r = 0; r < rows; ++r)
    for (long long c = 0; c < columns; c += kRounded)
      quantizeGroup<kRounded, kColumns>(scratch.values[r] + c, y + r * kRowBytes, (first + c) / kRounded);
}

INGOT_INLINE void computeTile(long long tile, long long rows, void* const* operands, Scratch& scratch) {
  for (long long row = 0; row < rows; row += kStripRows) {
    int some = (int)(rows - row < kStripRows ? rows - row : kStripRows);
    for (long long panel = tile * kTilePanels; panel < (tile + 1) * kTilePanels && panel < kPanels; ++panel) {
      Task task = Task::of(panel, row, operands, scratch);
      if (rows <= kStreamRows) streamUpTo<kStreamRows>(task, some);
      else computeStrip(task, some, scratch);
    }
    if constexpr (kResultGroup != 0) quantizeResults(tile, row, some, operands, scratch);
  }
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last, void* scratch) {
  long long rows = kSelected ? args->batch->num_rows : args->batch->num_tokens;
  for (long long tile = first; tile < last; ++tile) computeTile(tile, rows, args->operands, *(Scratch*)scratch);
}

}  // namespace linear
