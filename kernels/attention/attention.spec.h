// What the compiler must know of attention: its scratch.
#pragma once

// Tokens whose scores are taken together, at fixed places in the sequence.
constexpr int kSpanTokens = 64;

// For `rows` query rows: scaled queries, outputs, largest scores and totals, then the weights of a block of at most 8 rows.
constexpr long long attentionScratchBytes(int rows, int headDim) {
  return 4ll * (2ll * rows * headDim + 2ll * ((rows + 15) / 16 * 16) + 8 * kSpanTokens);
}
