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
// A query block that is not split has tiles of up to four query heads, which share keys and values.
constexpr int attentionGroupParts(int groupHeads) { return (groupHeads + 3) / 4; }
// Tiles of a split for each KV head, as many as either way takes.
constexpr int attentionTiles(int heads, int kvHeads) { return kvHeads * attentionGroupParts(heads / kvHeads); }

// Shared memory for a token alone (kernels/alone/attention.cuh): outputs of a split's spans with their largest scores and totals, queries, a flag.
constexpr int attentionAloneBytes(int headDim) {
  int warps = kCudaAttentionThreads / 32, heads = warps * kTokenHeads;
  return 4 * (heads * (headDim + 4) + 2 * heads + kTokenHeads * headDim) + 64;
}

// Prompts of many tokens on sm_90a (prompt.cuh), from caches of 16 bits: eight warps multiply, four bring keys of spans, and four values.
constexpr int kCudaPromptThreads = 512, kCudaPromptWarps = 8, kCudaPromptSlots = 6;
constexpr bool hasCudaPrompt(bool halves, int headDim) { return halves && (headDim == 64 || headDim == 128); }
// Query blocks of a tile: as many as there are warps for its query heads.
constexpr int attentionBlocks(int groupHeads, int warps) {
  int parts = attentionGroupParts(groupHeads);
  return warps / ((groupHeads + parts - 1) / parts);
}
constexpr int cudaPromptBlocks(int groupHeads) { return attentionBlocks(groupHeads, kCudaPromptWarps); }
// Shared memory: the slots, the queries of eight warps, then of every lane the sums of the splits before, or of every warp its finished rows;
// barriers.
constexpr int cudaPromptBytes(int headDim) {
  return (kCudaPromptSlots * kSpanTokens + kCudaPromptWarps * kAttentionRows) * headDim * 2 + kCudaPromptWarps * (headDim / 8 + 4) * 32 * 16 + 128;
}

// Partial results of one split and tile: a counter, the largest scores and the totals of its heads, and their outputs.
constexpr int kPartialHeader = 4;
constexpr int partialFloats(int groupHeads, int headDim) {
  return kPartialHeader + 2 * kTokenHeads + (groupHeads < kTokenHeads ? groupHeads : kTokenHeads) * headDim;
}
constexpr long long attentionPartialBytes(int heads, int kvHeads, int headDim) {
  return 4ll * kvHeads * attentionHeadTiles(heads / kvHeads) * partialFloats(heads / kvHeads, headDim);
}
