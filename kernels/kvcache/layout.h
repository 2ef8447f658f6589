// The pool of KV pages: [page][layer][keys, then values]. A page is kPageTokens tokens of every layer, so that a sequence grows in
// one place. Of one layer it holds
//   keys    [kv_head][head_dim][16 tokens]   tokens in lanes: 16 scores from head_dim multiply-adds
//   values  [kv_head][16 tokens][head_dim]   columns in lanes: one multiply-add per token and 16 columns
// GPUs with tensor cores keep 16-bit elements as the fragments that they multiply by, 16 columns after 16 columns:
//   [kv_head][head_dim / 16][32 lanes][8]    keys: fragmentPlace(token, column); values: fragmentPlace(column, token)
#pragma once

#include "kernels/abi/abi.h"

enum class CacheType : int { f32, f16, bf16, f8 };  // f8: e4m3, of values as they are

constexpr int kPageTokens = INGOT_PAGE_TOKENS;

// Elements of one layer's keys of a page; its values take as many.
constexpr long long layerElements(int kvHeads, int headDim) { return (long long)kvHeads * headDim * kPageTokens; }
// Elements from a layer's keys, or values, of page 0 to one head of a page.
constexpr long long headOffset(long long page, int layers, int kvHead, int kvHeads, int headDim) {
  return page * layers * 2 * layerElements(kvHeads, headDim) + (long long)kvHead * headDim * kPageTokens;
}
// Where element (n, k) of 16 x 16 lies, in the order of mma.sync's second operand: two products of 8 columns n each, 16 bytes a lane.
constexpr int fragmentPlace(int n, int k) { return (n % 8 * 4 + k % 8 / 2) * 8 + (n / 8 * 2 + k / 8) * 2 + k % 2; }
