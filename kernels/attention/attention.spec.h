// What the compiler must know of attention: scratch on CPUs; tiles and partial results on GPUs.
#pragma once

// Tokens of a span, the unit of the online softmax. Spans start at multiples of this in the sequence.
constexpr int kSpanTokens = 64;

// Scratch bytes for `rows` query rows: scaled queries, outputs, maxima and sums, and the weights of a block of at most 8 rows.
constexpr long long attentionScratchBytes(int rows, int headDim) {
  return 4ll * (2ll * rows * headDim + 2ll * ((rows + 15) / 16 * 16) + 8 * kSpanTokens);
}

// A CUDA tile has a warp for each span of a split; an mma tile has 16 query tokens of a prompt, or 8 query heads of a single token.
constexpr int kCudaAttentionThreads = 128, kAttentionRows = 16, kTokenHeads = 8;

constexpr int attentionHeadTiles(int groupHeads) { return (groupHeads + kTokenHeads - 1) / kTokenHeads; }
// A query block that is not split is divided into tiles of up to four query heads that share a KV head.
constexpr int attentionGroupParts(int groupHeads) { return (groupHeads + 3) / 4; }
// Tiles per split over all KV heads: the larger number of the two ways of division.
constexpr int attentionTiles(int heads, int kvHeads) { return kvHeads * attentionGroupParts(heads / kvHeads); }

// Shared memory bytes for a token alone (kernels/alone/attention.cuh): outputs, maxima and sums of a split's spans, queries, a flag.
constexpr int attentionAloneBytes(int headDim) {
  int warps = kCudaAttentionThreads / 32, heads = warps * kTokenHeads;
  return 4 * (heads * (headDim + 4) + 2 * heads + kTokenHeads * headDim) + 64;
}

// Prompts of large batches on sm_90a (prompt.cuh), from 16-bit caches: eight consumer warps, and producers, four for keys and four for values.
constexpr int kCudaPromptThreads = 512, kCudaPromptWarps = 8, kCudaPromptSlots = 6;
constexpr bool hasCudaPrompt(bool halves, int headDim) { return halves && (headDim == 64 || headDim == 128); }
// Query blocks per tile: as many as there are warps for their query heads.
constexpr int attentionBlocks(int groupHeads, int warps) {
  int parts = attentionGroupParts(groupHeads);
  return warps / ((groupHeads + parts - 1) / parts);
}
constexpr int cudaPromptBlocks(int groupHeads) { return attentionBlocks(groupHeads, kCudaPromptWarps); }
// Shared memory bytes: the stages; the queries of eight warps; for each lane the sums of the previous splits, or for each warp its finished rows;
// barriers.
constexpr int cudaPromptBytes(int headDim) {
  return (kCudaPromptSlots * kSpanTokens + kCudaPromptWarps * kAttentionRows) * headDim * 2 + kCudaPromptWarps * (headDim / 8 + 4) * 32 * 16 + 128;
}

// Partial result of one split and tile: a counter, then the maxima, sums and outputs of its heads.
constexpr int kPartialHeader = 4;
constexpr int partialFloats(int groupHeads, int headDim) {
  return kPartialHeader + 2 * kTokenHeads + (groupHeads < kTokenHeads ? groupHeads : kTokenHeads) * headDim;
}
constexpr long long attentionPartialBytes(int heads, int kvHeads, int headDim) {
  return 4ll * kvHeads * attentionHeadTiles(heads / kvHeads) * partialFloats(heads / kvHeads, headDim);
}
