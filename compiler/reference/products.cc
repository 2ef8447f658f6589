#include "compiler/reference/products.h"

#include <algorithm>

#include "compiler/support/parallel.h"

namespace ingot::reference {
namespace {

constexpr int kLanes = 8, kTileRows = 4, kTileChannels = 3;
constexpr int64_t kChunk = 48;  // channels that stay in the second-level cache while the rows pass; a multiple of kTileChannels

typedef float Lanes __attribute__((vector_size(4 * kLanes)));
typedef float LanesInMemory __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

struct Matrices {
  const float* x;
  int64_t columns;
  const float* weight;
  int64_t channels;
  float* sums;
};

float total(const float* x, const float* weight, int64_t first, int64_t columns, Lanes lanes) {
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += lanes[i];
  for (int64_t k = first; k < columns; ++k) sum += x[k] * weight[k];
  return sum;
}

template <int kRows, int kChannels>
void tile(const Matrices& m, int64_t row, int64_t channel) {
  const float *x = m.x + row * m.columns, *weight = m.weight + channel * m.columns;
  Lanes lanes[kRows][kChannels] = {};
  int64_t k = 0;
  for (; k + kLanes <= m.columns; k += kLanes)
    for (int c = 0; c < kChannels; ++c) {
      Lanes w = *reinterpret_cast<const LanesInMemory*>(weight + c * m.columns + k);
      for (int r = 0; r < kRows; ++r) lanes[r][c] += *reinterpret_cast<const LanesInMemory*>(x + r * m.columns + k) * w;
    }
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kChannels; ++c)
      m.sums[(row + r) * m.channels + channel + c] = total(x + r * m.columns, weight + c * m.columns, k, m.columns, lanes[r][c]);
}

template <int kRows>
void tilesOf(const Matrices& m, int64_t row, int64_t first, int64_t last) {
  for (; first + kTileChannels <= last; first += kTileChannels) tile<kRows, kTileChannels>(m, row, first);
  for (; first < last; ++first) tile<kRows, 1>(m, row, first);
}

}  // namespace

Status products(const float* x, int64_t rows, int64_t columns, const float* weight, int64_t channels, int jobs, float* sums) {
  Matrices m{x, columns, weight, channels, sums};
  return parallelFor(static_cast<size_t>((channels + kChunk - 1) / kChunk), jobs, [&](size_t chunk) -> Status {
    int64_t first = static_cast<int64_t>(chunk) * kChunk, last = std::min(channels, first + kChunk), row = 0;
    for (; row + kTileRows <= rows; row += kTileRows) tilesOf<kTileRows>(m, row, first, last);
    for (; row < rows; ++row) tilesOf<1>(m, row, first, last);
    return {};
  });
}

}  // namespace ingot::reference
