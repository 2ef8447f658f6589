// The pool of KV pages: [page][layer][keys, then values]. A page holds kPageTokens tokens of every layer, so that a sequence needs a single page
// table. Per layer and KV head:
//   keys    [head_dim][16 tokens]   tokens in lanes: 16 scores from head_dim multiply-adds
//   values  [16 tokens][head_dim]   columns in lanes: one multiply-add per token and 16 columns
// and after either, if elements are int8 codes, f32 scales of the 16 tokens: a value is its code times the scale of its token.
// GPUs with tensor cores store 16-bit and 8-bit elements as mma fragments, one for each 16 columns:
//   [head_dim / 16][32 lanes][8]    keys: fragmentIndex(token, column); values: fragmentIndex(column, token)
// 8-bit elements interleave two fragments per lane if head_dim is a multiple of 32: [head_dim / 32][32 lanes][2][8].
#pragma once

#include "kernels/abi/abi.h"

// f8: e4m3 of the value itself; i8: value / scale, where the scale maps the largest magnitude of a token's head to 127.
enum class CacheType : int { f32, f16, bf16, f8, i8 };

constexpr int kPageTokens = INGOT_PAGE_TOKENS;

constexpr int elementBytes(CacheType type) { return type == CacheType::f32 ? 4 : type == CacheType::f8 || type == CacheType::i8 ? 1 : 2; }
// Elements of a head's keys, or values, in a page; an f32 scale takes the space of four codes.
constexpr int headElements(CacheType type, int headDim) { return (headDim + (type == CacheType::i8 ? 4 : 0)) * kPageTokens; }
// Elements of one layer's keys in a page; its values take as many.
constexpr long long layerElements(CacheType type, int kvHeads, int headDim) { return (long long)kvHeads * headElements(type, headDim); }
// Offset in elements from a layer's keys, or values, of page 0 to one head of a page.
constexpr long long headOffset(CacheType type, long long page, int layers, int kvHead, int kvHeads, int headDim) {
  return page * layers * 2 * layerElements(type, kvHeads, headDim) + (long long)kvHead * headElements(type, headDim);
}

// Scale for codes of a head with this largest magnitude: code = round(value * inverse), value = code * scale. Heads below 2^-100 become zeros.
struct CodeScale {
  float scale, inverse;
};
constexpr CodeScale codeScaleOf(float largest) { return {largest / 127.0f, largest > 0x1p-100f ? 127.0f / largest : 0.0f}; }

// Index of element (n, k) of a 16 x 16 block in the order of mma.sync's B fragments: two mma of 8 columns n each, 8 elements per lane. The bytes
// of a word alternate between the two halves of k, so that they widen to pairs of f16 without a shuffle.
constexpr int fragmentIndex(CacheType type, int n, int k) {
  int lane = n % 8 * 4 + k % 8 / 2;
  return lane * 8 + n / 8 * 4 + (elementBytes(type) == 1 ? k % 2 * 2 + k / 8 : k / 8 * 2 + k % 2);
}
// 16 x 16 blocks that are interleaved per lane; at most 16 bytes.
constexpr int fragmentsPerLoad(CacheType type, int headDim) { return elementBytes(type) == 1 && headDim % 32 == 0 ? 2 : 1; }
// Offset of column d of a token within a head's keys, or values, stored as fragments.
constexpr int fragmentOffset(CacheType type, int headDim, int token, int d, bool isValue) {
  int index = isValue ? fragmentIndex(type, d % 16, token) : fragmentIndex(type, token, d % 16);
  int each = fragmentsPerLoad(type, headDim), step = d / 16;
  return ((step / each * 32 + index / 8) * each + step % each) * 8 + index % 8;
}
