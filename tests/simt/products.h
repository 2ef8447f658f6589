// wgmma: every thread computes its own sums, over k in ascending order, when it waits for them and not before. Until then their operands must not
// be written.
#pragma once

#include "tests/simt/barriers.h"
#include "tests/simt/matrix.h"
#include "tests/simt/shared.h"

namespace simt {

constexpr int kLineChunks = 8;  // per row of x

// 16 bytes as the async proxy reads them.
template <class T, int N>
static inline T lineAt(SharedArray<T, N>& lines, int i) {
  lines.expectInside(i);
  expectShown(lines.shadows[i], i);
  return lines[i];
}

// Half a unit: eight columns of f16 or bf16, or 16 codes.
struct HalfColumns {
  typedef float Sum;
  static float at(unsigned word, int i) { return halfToFloat((unsigned short)(word >> i % 2 * 16)); }
};
struct BfloatColumns {
  typedef float Sum;
  static float at(unsigned word, int i) { return asFloat(i % 2 ? word & 0xffff0000u : word << 16); }
};
struct CodeColumns {
  typedef int Sum;
};
// Accumulates half a unit.
template <class Columns, class T>
static inline void addChunk(float& d, const unsigned* channel, const T& x) {
  for (int k = 0; k < 8; ++k) d = fma(Columns::at(channel[k / 2], k), Columns::at(x.at[k / 2], k), d);
}
template <class Columns, class T>
static inline void addChunk(int& d, const unsigned* channel, const T& x) {
  for (int t = 0; t < 4; ++t) d = dotQuad((int)channel[t], (int)x.at[t], d);
}

template <class Columns, int Rows, class T, int N>
static void computeProduct(const Product& product) {
  typedef typename Columns::Sum Sum;
  auto& x = *(SharedArray<T, N>*)product.x;
  for (int i = 0; i < Rows / 8; ++i)
    for (int j = 0; j < 2; ++j) {
      int row = i * 8 + (int)lane() % 4 * 2 + j;
      for (int chunk = 0; chunk < 2; ++chunk) {
        T words = lineAt(x, product.firstX + row * kLineChunks + ((product.unit * 2 + chunk) ^ row % 8));
        for (int half = 0; half < 2; ++half) {
          Sum& d = ((Sum*)product.sums)[i * 4 + half * 2 + j];
          if (chunk == 0 && !product.keeps) d = 0;
          addChunk<Columns>(d, product.channels[half] + chunk * 4, words);
        }
      }
    }
}

// The same with the channels in shared memory, in lines like those of x.
template <class Columns, int Rows, class A, class T, int M, int N>
static void computeLines(const Product& product) {
  Product filled = product;
  auto& lines = *(SharedArray<A, M>*)product.lines;
  for (int half = 0; half < 2; ++half)
    for (int chunk = 0; chunk < 2; ++chunk) {
      int line = (int)self().threadIndex.x / 32 % 4 * 16 + (int)lane() / 4 + half * 8;
      A words = lineAt(lines, product.firstLine + line * kLineChunks + ((product.unit * 2 + chunk) ^ line % 8));
      for (int word = 0; word < 4; ++word) filled.channels[half][chunk * 4 + word] = words.at[word];
    }
  computeProduct<Columns, Rows, T, N>(filled);
}

static inline void finishProducts(unsigned most) {
  Thread& thread = self();
  unsigned left = 0;
  for (unsigned i = 0; i < thread.numProducts; ++i) {
    if (thread.products[i].group + most >= thread.productGroups) thread.products[left++] = thread.products[i];
    else thread.products[i].compute(thread.products[i]);
  }
  thread.numProducts = left;
}

}  // namespace simt

template <class T, int N>
static inline T loadTransposed(SharedArray<T, N>& from, int i) {
  from.expectInside(i);
  unsigned parity = simt::show((unsigned long long)i, 0xffffffffu, "loadTransposed");
  T words;
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    words.at[matrix] = 0;
    for (unsigned half = 0; half < 2; ++half) {
      T row = from[(int)simt::sentBy(matrix * 8 + simt::lane() % 4 * 2 + half, parity)];
      words.at[matrix] |= (row.at[simt::lane() / 8] >> simt::lane() / 4 % 2 * 16 & 0xffffu) << half * 16;
    }
  }
  return words;
}

template <class T, int N, int B>
static inline void storeMatrices(SharedArray<T, N>& to, int i, const T& words, SharedBarriers<B>& barriers, int barrier) {
  unsigned parity = simt::showFragments(words.at, {0, 0}, "storeMatrices");
  int row = (int)simt::lane() % 8, matrix = (int)simt::lane() / 8;
  T line;
  for (int word = 0; word < 4; ++word) line.at[word] = simt::wordOfA(row + matrix % 2 * 8, word, matrix / 2, parity);
  storeBeforeArrive(to, i, line, barriers, barrier);
}

static inline void beginProducts() { simt::show(0, 0xffffffffu, "beginProducts"); }
static inline void commitProducts() { ++simt::self().productGroups; }
template <int Most>
static inline void waitForProducts() {
  simt::show(0, 0xffffffffu, "waitForProducts");
  simt::finishProducts(Most);
}
template <int Most, class Sum, int N>
static inline void waitForProducts(Sum (&)[N]) {
  waitForProducts<Most>();
}

namespace simt {

template <class T, int N>
static Product& addProduct(void (*compute)(const Product&), void* sums, SharedArray<T, N>& x, int firstX, int unit, bool keeps) {
  Thread& thread = self();
  if (thread.numProducts == kMaxProducts) fault(*thread.block, thread.threadIndex.x, "has more products under way than the emulator keeps");
  Product& product = thread.products[thread.numProducts++];
  product.compute = compute;
  product.sums = sums;
  product.x = &x;
  product.firstX = firstX;
  product.unit = unit;
  product.keeps = keeps;
  product.group = thread.productGroups;
  return product;
}
template <class T, int N>
static void beginProduct(void (*compute)(const Product&), void* sums, const unsigned (&a)[4], SharedArray<T, N>& x, int firstX, int unit, bool keeps,
                         const char* name) {
  unsigned parity = showFragments(a, {0, 0}, name);
  Product& product = addProduct(compute, sums, x, firstX, unit, keeps);
  for (int half = 0; half < 2; ++half)
    for (int word = 0; word < 8; ++word) product.channels[half][word] = wordOfA((int)lane() / 4 + half * 8, word % 4, word / 4, parity);
}

}  // namespace simt

template <int Rows, class T, int N>
static inline void multiplyWide(float (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<T, N>& x, int firstX, int unit, bool keeps) {
  simt::beginProduct(simt::computeProduct<simt::HalfColumns, Rows, T, N>, d, a, x, firstX, unit, keeps, "multiplyWide");
}
template <bool Keeps, int Rows, class T, int N>
static inline void multiplyWideCodes(int (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<T, N>& x, int firstX, int unit) {
  simt::beginProduct(simt::computeProduct<simt::CodeColumns, Rows, T, N>, d, a, x, firstX, unit, Keeps, "multiplyWideCodes");
}
template <bool Keeps, int Rows, class T, int N>
static inline void multiplyWideHalves(float (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<T, N>& x, int firstX, int unit) {
  simt::beginProduct(simt::computeProduct<simt::HalfColumns, Rows, T, N>, d, a, x, firstX, unit, Keeps, "multiplyWideHalves");
}
template <bool Keeps, int Rows, class T, int N>
static inline void multiplyWideBfloats(float (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<T, N>& x, int firstX, int unit) {
  simt::beginProduct(simt::computeProduct<simt::BfloatColumns, Rows, T, N>, d, a, x, firstX, unit, Keeps, "multiplyWideBfloats");
}
#define INGOT_MULTIPLY_SHARED(Columns, name)                                                                         \
  simt::show((unsigned long long)firstA, 0xffffffffu, name);                                                         \
  simt::Product& product = simt::addProduct(simt::computeLines<Columns, 64, A, T, M, N>, d, x, firstX, unit, Keeps); \
  product.lines = &a;                                                                                                \
  product.firstLine = firstA
template <bool Keeps, class A, class T, int M, int N>
static inline void multiplySharedHalves(float (&d)[32], SharedArray<A, M>& a, int firstA, SharedArray<T, N>& x, int firstX, int unit) {
  INGOT_MULTIPLY_SHARED(simt::HalfColumns, "multiplySharedHalves");
}
template <bool Keeps, class A, class T, int M, int N>
static inline void multiplySharedBfloats(float (&d)[32], SharedArray<A, M>& a, int firstA, SharedArray<T, N>& x, int firstX, int unit) {
  INGOT_MULTIPLY_SHARED(simt::BfloatColumns, "multiplySharedBfloats");
}
static inline unsigned widenFloat8s(unsigned word, int upper) {
  unsigned both = word >> upper * 16;
  return floatToHalf(simt::float8Of(both)) | (unsigned)floatToHalf(simt::float8Of(both >> 8)) << 16;
}
static inline void fenceProxyAsync() { ++simt::self().shows; }
