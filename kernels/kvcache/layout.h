// The KV pages of one layer. A page holds kPageTokens tokens of every KV head:
//   keys    [page][kv_head][head_dim][16 tokens]   tokens in lanes: 16 scores from head_dim multiply-adds
//   values  [page][kv_head][16 tokens][head_dim]   columns in lanes: one multiply-add per token and 16 columns
#pragma once

enum class CacheType : int { f32, f16, bf16 };

constexpr int kPageTokens = 16;

// Elements from the start of the keys, or of the values, to one head of a page.
constexpr long long headOffset(long long page, int kvHead, int kvHeads, int headDim) { return (page * kvHeads + kvHead) * headDim * kPageTokens; }
// Bytes of a page of keys; values take as many.
constexpr long long cachePageBytes(int kvHeads, int headDim, int elementBytes) { return (long long)kvHeads * headDim * kPageTokens * elementBytes; }
