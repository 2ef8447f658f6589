// The pool of KV pages: [page][layer][keys, then values]. A page is kPageTokens tokens of every layer, so that a sequence grows in
// one place. Of one layer it holds for each KV head
//   keys    [head_dim][16 tokens]   tokens in lanes: 16 scores from head_dim multiply-adds
//   values  [16 tokens][head_dim]   columns in lanes: one multiply-add per token and 16 columns
// and behind either, where elements are codes (i8), f32 steps of the 16 tokens: a value is its code times its token's step.
// GPUs with tensor cores keep elements of 16 and 8 bits as the fragments that they multiply by, 16 columns after 16 columns:
//   [head_dim / 16][32 lanes][8]    keys: fragmentPlace(token, column); values: fragmentPlace(column, token)
// Of bytes a lane has two such side by side, where head_dim divides into 32: [head_dim / 32][32 lanes][2][8].
#pragma once

#include "kernels/abi/abi.h"

// f8: e4m3, of values as they are; i8: of values over a step that the largest of a head is 127 of.
enum class CacheType : int { f32, f16, bf16, f8, i8 };

constexpr int kPageTokens = INGOT_PAGE_TOKENS;

constexpr int elementBytes(CacheType type) { return type == CacheType::f32 ? 4 : type == CacheType::f8 || type == CacheType::i8 ? 1 : 2; }
// Elements of a head's keys, or values, of a page; steps take the place of four codes each.
constexpr int headElements(CacheType type, int headDim) { return (headDim + (type == CacheType::i8 ? 4 : 0)) * kPageTokens; }
// Elements of one layer's keys of a page; its values take as many.
constexpr long long layerElements(CacheType type, int kvHeads, int headDim) { return (long long)kvHeads * headElements(type, headDim); }
// Elements from a layer's keys, or values, of page 0 to one head of a page.
constexpr long long headOffset(CacheType type, long long page, int layers, int kvHead, int kvHeads, int headDim) {
  return page * layers * 2 * layerElements(type, kvHeads, headDim) + (long long)kvHead * headElements(type, headDim);
}

// Codes of the values of a head whose largest magnitude is given: value / step, or value * inverse, rounded. What is next to nothing is zeros.
struct CodeScale {
  float scale, inverse;
};
constexpr CodeScale codeScaleOf(float largest) { return {largest / 127.0f, largest > 0x1p-100f ? 127.0f / largest : 0.0f}; }

// Where element (n, k) of 16 x 16 lies, in the order of mma.sync's second operand: two products of 8 columns n each, 8 elements a lane.
// A word of bytes has the pairs of both halves of k, every other byte one: so they become pairs of halves without crossing over.
constexpr int fragmentIndex(CacheType type, int n, int k) {
  int lane = n % 8 * 4 + k % 8 / 2;
  return lane * 8 + n / 8 * 4 + (elementBytes(type) == 1 ? k % 2 * 2 + k / 8 : k / 8 * 2 + k % 2);
}
// 16 x 16 that a lane has side by side, 16 bytes at most.
constexpr int fragmentsPerLoad(CacheType type, int headDim) { return elementBytes(type) == 1 && headDim % 32 == 0 ? 2 : 1; }
// From a head's keys, or values, as fragments to column d of a token.
constexpr int fragmentOffset(CacheType type, int headDim, int token, int d, bool isValue) {
  int index = isValue ? fragmentIndex(type, d % 16, token) : fragmentIndex(type, token, d % 16);
  int each = fragmentsPerLoad(type, headDim), step = d / 16;
  return ((step / each * 32 + index / 8) * each + step % each) * 8 + index % 8;
}
