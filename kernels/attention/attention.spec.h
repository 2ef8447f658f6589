// What the compiler must know of attention: scratch on CPUs; tiles and partial results on GPUs.
#pragma once

// Tokens whose scores are taken together, at fixed places in the sequence.
constexpr int kSpanTokens = 64;

// For `rows` query rows: scaled queries, outputs, largest scores and totals, then the weights of a block of at most 8 rows.
constexpr long long attentionScratchBytes(int rows, int headDim) {
  return 4ll * (2ll * rows * headDim + 2ll * ((rows + 15) / 16 * 16) + 8 * kSpanTokens);
}

// A CUDA tile has a warp for each span of a split, and tokens of a prompt, or query heads of one token, as tensor cores have rows and
// columns.
constexpr int kCudaAttentionThreads = 128, kAttentionRows = 16, kTokenHeads = 8;

constexpr int attentionHeadTiles(int groupHeads) { return (groupHeads + kTokenHeads - 1) / kTokenHeads; }
// Tiles of a split: one for each KV head, and more where its query heads are more than the columns; of a query block that is not
// split one for every four query heads. The larger of the two.
constexpr int attentionTiles(int heads, int kvHeads) {
  int split = kvHeads * attentionHeadTiles(heads / kvHeads), whole = (heads + 3) / 4;
  return split > whole ? split : whole;
}
// Partial results of one split and tile: a counter, the largest scores and the totals of its heads, and their outputs.
constexpr int kPartialHeader = 4;
constexpr int partialFloats(int groupHeads, int headDim) {
  return kPartialHeader + 2 * kTokenHeads + (groupHeads < kTokenHeads ? groupHeads : kTokenHeads) * headDim;
}
constexpr long long attentionPartialBytes(int heads, int kvHeads, int headDim) {
  return 4ll * kvHeads * attentionHeadTiles(heads / kvHeads) * partialFloats(heads / kvHeads, headDim);
}
