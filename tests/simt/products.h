// Products of a warpgroup's tensor cores: every thread computes its own sums, over k in ascending order, when it waits for them and
// not before. Until then nobody may write what they read, as the shadows of shared memory tell.
#pragma once

#include "tests/simt/numbers.h"
#include "tests/simt/shared.h"
#include "tests/simt/warp.h"

namespace simt {

constexpr int kWideColumns = 16;                    // of a product
constexpr int kLineChunks = 8, kBlockChunks = 128;  // of a row of x, and of 16 channels of weights, in a stage

// Chunk `i` of shared memory as eight halves.
struct Halves8 {
  float at[8];
};
template <class T, int N>
static inline Halves8 halvesAt(SharedArray<T, N>& from, int i) {
  T words = from[i];
  Halves8 halves;
  for (int j = 0; j < 8; ++j) halves.at[j] = halfToFloat((unsigned short)(words.at[j / 2] >> j % 2 * 16));
  return halves;
}

template <int Channels, class T, int X, int W>
static void computeProduct(const Product& product) {
  auto& x = *(SharedArray<T, X>*)product.x;
  auto& weights = *(SharedArray<T, W>*)product.weights;
  int thread = (int)self().threadIndex.x % (4 * kLanes), lane = thread % kLanes, firstRow = thread / kLanes * 16 + lane / 4;
  float rows[2][kWideColumns];
  for (int half = 0; half < 2; ++half)
    for (int chunk = 0; chunk < 2; ++chunk) {
      int row = firstRow + half * 8;
      Halves8 halves = halvesAt(x, product.firstX + row * kLineChunks + ((product.unit * 2 + chunk) ^ row % 8));
      for (int i = 0; i < 8; ++i) rows[half][chunk * 8 + i] = halves.at[i];
    }
  for (int i = 0; i < Channels / 8; ++i)
    for (int k = 0; k < kWideColumns; ++k) {
      int line = product.unit * kWideColumns + k;
      Halves8 channels = halvesAt(weights, product.firstWeight + i / 2 * kBlockChunks + line * 2 + (i % 2 ^ (line >> 2 & 1)));
      for (int j = 0; j < 4; ++j) {
        float& d = product.sums[i * 4 + j];
        d = fma(rows[j / 2][k], channels.at[lane % 4 * 2 + j % 2], k == 0 && !product.keeps ? 0.0f : d);
      }
    }
}

static inline void finishProducts(unsigned most) {
  Thread& thread = self();
  unsigned left = 0;
  for (unsigned i = 0; i < thread.numProducts; ++i) {
    Product product = thread.products[i];
    if (product.group + most >= thread.productGroups) thread.products[left++] = product;
    else product.compute(product);
  }
  thread.numProducts = left;
}

}  // namespace simt

static inline void showTensorCores() {}
static inline void beginProducts() { simt::show(0, 0xffffffffu, "beginProducts"); }
static inline void closeProducts() { ++simt::self().productGroups; }
template <int Most>
static inline void waitForProducts() {
  simt::show(0, 0xffffffffu, "waitForProducts");
  simt::finishProducts(Most);
}
template <int Most, int N>
static inline void waitForProducts(float (&)[N]) {
  waitForProducts<Most>();
}
template <int Channels, class T, int X, int W>
static inline void multiplyWide(float (&d)[Channels / 2], SharedArray<T, X>& x, int firstX, SharedArray<T, W>& weights, int firstWeight, int unit,
                                bool keeps) {
  simt::Thread& thread = simt::self();
  if (thread.numProducts == simt::kMaxProducts)
    simt::fault(*thread.block, thread.threadIndex.x, "has more products under way than the emulator keeps");
  thread.products[thread.numProducts++] = {
      simt::computeProduct<Channels, T, X, W>, d, &x, &weights, firstX, firstWeight, unit, keeps, thread.productGroups};
}
