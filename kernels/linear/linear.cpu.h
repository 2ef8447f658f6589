// y[r, n] = body(sum_k x[r, k] * w[n, k]). Tile i is a panel of two channel blocks times all rows.
// Prelude: kN kK (of the matrix), kFormat, kGroup, kSums, kSelected, kExtras, struct Epilogue.
// Operands: x, weight, extras..., y. Channels are lanes and every sum runs over k in one order, so a row's bits do not
// depend on the other rows.
#pragma once

#include "kernels/abi/abi.h"
#include "kernels/linear/epilogue.h"
#include "kernels/linear/formats.cpu.h"

namespace linear {

// Rows in registers at once: 6 x 2 accumulators fit AVX-512's 32 registers, fewer elsewhere.
#if defined(__AVX512F__)
constexpr int kRowBlock = 6;
#else
constexpr int kRowBlock = 2;
#endif
constexpr int kPanelBlocks = 2;
constexpr long long kBlocks = blockCount(kN);
constexpr long long kColumns = kN / kSums;  // of the result
constexpr long long kResultStride = paddedColumns(kColumns);

INGOT_INLINE void finish(const F32x16 (&sums)[kPanelBlocks], int blocks, long long panel, long long row, void* const* operands) {
  float* y = (float*)operands[2 + kExtras];
  if constexpr (kSums == 2) {
    long long column = panel * kLanes;
    Place at{operands + 2, row, column, kResultStride};
    store(y + row * kResultStride + column, Epilogue::apply(sums, at));
  } else {
    for (int b = 0; b < blocks; ++b) {
      long long column = (panel * kPanelBlocks + b) * kLanes;
      Place at{operands + 2, row, column, kResultStride};
      store(y + row * kResultStride + column, Epilogue::apply(&sums[b], at));
    }
  }
}

// `Rows` rows from `row` on, `Blocks` channel blocks of the panel.
template <int Rows, int Blocks>
INGOT_INLINE void computeRows(long long panel, long long row, void* const* operands) {
  const char* x = (const char*)operands[0] + row * Format::kRowBytes;
  const char* weight = (const char*)operands[1] + panel * kPanelBlocks * Format::kBlockBytes;
  F32x16 sums[Rows][kPanelBlocks] = {};
  Format::template accumulate<Rows, Blocks>(x, weight, sums);
  for (int r = 0; r < Rows; ++r) finish(sums[r], Blocks, panel, row + r, operands);
}

template <int Blocks>
INGOT_INLINE void computePanel(long long panel, long long rows, void* const* operands) {
  long long row = 0;
  for (; row + kRowBlock <= rows; row += kRowBlock) computeRows<kRowBlock, Blocks>(panel, row, operands);
  switch (rows - row) {
    case 5:
      if constexpr (kRowBlock > 5) computeRows<5, Blocks>(panel, row, operands);
      break;
    case 4:
      if constexpr (kRowBlock > 4) computeRows<4, Blocks>(panel, row, operands);
      break;
    case 3:
      if constexpr (kRowBlock > 3) computeRows<3, Blocks>(panel, row, operands);
      break;
    case 2:
      if constexpr (kRowBlock > 2) computeRows<2, Blocks>(panel, row, operands);
      break;
    case 1: computeRows<1, Blocks>(panel, row, operands); break;
  }
}

INGOT_INLINE void run(const IngotKernelArgs* args, long long first, long long last) {
  long long rows = kSelected ? args->batch->num_rows : args->batch->num_tokens;
  for (long long panel = first; panel < last; ++panel) {
    if (panel * kPanelBlocks + 1 < kBlocks) computePanel<2>(panel, rows, args->operands);
    else computePanel<1>(panel, rows, args->operands);
  }
}

}  // namespace linear
