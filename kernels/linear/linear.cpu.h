// y[r, n] = body(sum_k x[r, k] * w[n, k]), as f32 or as quantised rows. Tile i is all rows times a few panels of two channel blocks.
// Prelude: kN kK (of the matrix), kFormat, kGroup, kSums, kSelected, kExtras, kResultGroup (0: f32), kResultCode, struct Epilogue.
// Operands: x, weight, extras..., y. Channels are lanes and every sum runs over k in one order, so a row's bits do not
// depend on the other rows.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/linear/epilogue.h"
#include "kernels/linear/formats.cpu.h"
#include "kernels/linear/tiles.cpu.h"
#include "kernels/prim/quantize.cpu.h"

namespace linear {

// Limits set by registers: rows that share one pass over the packed weights, passes that cost less than unpacking, and the accumulator tile for
// many rows.
#if defined(__AVX512F__)
constexpr int kStreamRows = 8, kStreamPasses = 1, kRowBlock = 6, kColumnBlocks = 2;
#elif defined(__AVX2__)
constexpr int kStreamRows = 4, kStreamPasses = 3, kRowBlock = 4, kColumnBlocks = 1;
#else
constexpr int kStreamRows = 4, kStreamPasses = 1, kRowBlock = kFormat == WeightFormat::i8 ? 4 : 6, kColumnBlocks = 1;
#endif
constexpr bool kUsesTiles = kTiles && unpacksToBytes(kFormat);
constexpr long long kBlocks = blockCount(kN), kPanels = (kBlocks + kPanelBlocks - 1) / kPanelBlocks;
constexpr int kTilePanels = tilePanels(kSums, kResultGroup), kTileColumns = kTilePanels * kPanelBlocks * kLanes / kSums;
constexpr long long kColumns = kN / kSums;  // of the result
constexpr long long kResultStride = paddedColumns(kColumns);
typedef F32x16 Sums[kPanelBlocks];

struct Scratch {
  Format::Panel panel;
  alignas(64) Sums sums[kStripRows];
  alignas(64) float values[kResultGroup ? kStripRows : 1][kTileColumns];  // of a tile, before it is quantised
};
static_assert(sizeof(Scratch) <= linearScratchBytes(kFormat, kK, kGroup, kSums, kResultGroup));

INGOT_INLINE int blocksOf(long long panel) { return panel * kPanelBlocks + 1 < kBlocks ? 2 : 1; }

// A panel and some rows: their inputs, and where the results go.
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
  // Applies the epilogue to the sums of row `row + r`.
  inline __attribute__((always_inline)) void finish(const F32x16* sums, int r) const {
    for (int b = 0; b < blocks; b += kSums) {
      long long column = (panel * kPanelBlocks + b) / kSums * kLanes;
      OutputPosition at{operands + 2, row + r, column, kResultStride};
      store(results + r * resultStride + column, Epilogue::apply(sums + b, at));
    }
  }
};

// ------------------------------------------------------------------------------------------------ few rows

// `rows` rows, at most Most, of block b.
template <int Most>
INGOT_INLINE void streamUpTo(const char* x, int rows, const char* weights, const Ahead& ahead, int b, Sums* strip) {
  if (rows == Most) {
    F32x16 sums[Most] = {};
    Format::template stream<Most>(x, weights, ahead, sums);
    for (int r = 0; r < Most; ++r) strip[r][b] = sums[r];
  } else if constexpr (Most > 1) {
    streamUpTo<Most - 1>(x, rows, weights, ahead, b, strip);
  }
}

// Several passes over a block prefetch the next block between them. A single pass prefetches at a fixed distance; with one row, which is bound by
// memory, a number of bytes per unit that is known at compile time.
INGOT_INLINE void computeFew(const Task& task, int rows, Scratch& scratch) {
  int passes = (rows + kStreamRows - 1) / kStreamRows, each = (rows + passes - 1) / passes;
  for (int b = 0; b < task.blocks; ++b) {
    const char* weights = task.weights() + b * Format::kBlockBytes;
    if (rows == 1) {
      streamUpTo<1>(task.x(), 1, weights, {weights + kPrefetchBytes, kUnitBytes}, b, scratch.sums);
      continue;
    }
    Ahead ahead = Ahead::shared(weights + (passes == 1 ? kPrefetchBytes : Format::kBlockBytes), passes);
    for (int r = 0; r < rows; r += each) {
      streamUpTo<kStreamRows>(task.x() + r * Format::kRowBytes, rows - r < each ? rows - r : each, weights, ahead, b, scratch.sums + r);
      ahead.skip(kK);
    }
  }
  for (int r = 0; r < rows; ++r) task.finish(scratch.sums[r], r);
}

// ------------------------------------------------------------------------------------------------ many rows

// Some rows times columns [first, first + columns), and where their sums are.
struct Part {
  const char* x;
  int rows;
  long long first, columns;
  Ahead ahead;
  Sums* strip;
};

// Accumulates part.rows == Rows rows.
template <int Rows, int Blocks>
INGOT_INLINE void addRows(const Part& part, const Format::Panel& panel, int block) {
  F32x16 sums[Rows][Blocks];
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b) sums[r][b] = part.first ? part.strip[r][block + b] : splat(0.0f);
  Format::template multiply<Rows, Blocks>(part.x, part.first, part.columns, panel, block, part.ahead, sums);
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b) part.strip[r][block + b] = sums[r][b];
}

template <int Most>
INGOT_INLINE void addUpTo(const Part& part, int blocks, const Format::Panel& panel) {
  if (part.rows == Most) {
    for (int b = 0; b < blocks; b += kColumnBlocks) addRows<Most, kColumnBlocks>(part, panel, b);
  } else if constexpr (Most > 1) {
    addUpTo<Most - 1>(part, blocks, panel);
  }
}

INGOT_INLINE void addPart(const Part& part, int blocks, const Format::Panel& panel) {
#if defined(__AMX_INT8__)
  if constexpr (kUsesTiles) {
    for (int b = 0; b < blocks; ++b) addTile<Format>(part.x, part.rows, part.first, part.columns, panel, b, part.ahead, part.strip);
    return;
  }
#endif
  addUpTo<kRowBlock>(part, blocks, panel);
}

// Parts of a strip between which the next stretch is prefetched.
constexpr int kAskingParts = 4;

// For each stretch of columns: unpacks it, then multiplies all rows of the strip with it, in parts of about the same size.
INGOT_INLINE void computeStrip(const Task& task, int rows, Scratch& scratch) {
  constexpr int kMost = kUsesTiles ? kTileRows : kRowBlock;
  int parts = (rows + kMost - 1) / kMost, each = (rows + parts - 1) / parts, asking = parts < kAskingParts ? parts : kAskingParts;
  for (long long first = 0; first < kK; first += kStretch) {
    long long next = first + kStretch, columns = next < kK ? kStretch : kK - first;
    const char* ahead = task.weights() + (next < kK ? blockBytes(kFormat, next, kGroup) : kPanelBlocks * Format::kBlockBytes);
    Part part{task.x(), each, first, columns, Ahead::shared(ahead, asking), scratch.sums};
    Format::unpack(task.weights(), task.blocks, first, columns, scratch.panel);
    for (int r = 0, asked = 0; r < rows; r += each) {
      if (rows - r < each) part.rows = rows - r;
      addPart(part, task.blocks, scratch.panel);
      part.x += each * Format::kRowBytes;
      part.strip += each;
      part.ahead.skip(columns);
      if (++asked == asking) part.ahead.bytes = 0;
    }
  }
  for (int r = 0; r < rows; ++r) task.finish(scratch.sums[r], r);
}

// ------------------------------------------------------------------------------------------------ tiles

INGOT_INLINE void quantizeResults(long long tile, long long row, int rows, void* const* operands, const Scratch& scratch) {
  constexpr int kRounded = kResultGroup ? kResultGroup : kLanes;  // not used if kResultGroup is 0, but must not be 0
  constexpr long long kRowBytes = quantizedRowBytes(kColumns, kRounded, kResultCode);
  long long first = tile * kTileColumns, columns = kColumns - first < kTileColumns ? kColumns - first : kTileColumns;
  char* y = (char*)operands[2 + kExtras] + row * kRowBytes;
  for (int r = 0; r < rows; ++r)
    for (long long c = 0; c < columns; c += kRounded)
      quantizeGroup<kRounded, kColumns, kResultCode>(scratch.values[r] + c, y + r * kRowBytes, (first + c) / kRounded);
}

INGOT_INLINE void computeTile(long long tile, long long rows, void* const* operands, Scratch& scratch) {
  for (long long row = 0; row < rows; row += kStripRows) {
    int some = (int)(rows - row < kStripRows ? rows - row : kStripRows);
    for (long long panel = tile * kTilePanels; panel < (tile + 1) * kTilePanels && panel < kPanels; ++panel) {
      Task task = Task::of(panel, row, operands, scratch);
      if (rows <= kStreamRows * kStreamPasses) computeFew(task, some, scratch);
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
