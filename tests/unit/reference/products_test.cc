// The tiled sums of a linear against the plain ones, at every edge of a tile.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/reference/products.h"
#include "kernels/ref/linear.h"
#include "tests/support/random.h"

namespace ingot::reference {
namespace {

struct Product {
  int64_t rows, columns, channels;
  std::vector<float> x, weight;

  Product(test::Random& random, int64_t rows, int64_t columns, int64_t channels) : rows(rows), columns(columns), channels(channels) {
    x = random.normals(static_cast<size_t>(rows * columns));
    weight = random.normals(static_cast<size_t>(channels * columns));
  }
  std::vector<float> tiled(int jobs) const {
    std::vector<float> sums(static_cast<size_t>(rows * channels), NAN);
    EXPECT_TRUE(products(x.data(), rows, columns, weight.data(), channels, jobs, sums.data()).ok());
    return sums;
  }
  std::vector<double> plain() const {
    std::vector<double> wide(x.begin(), x.end()), sums(static_cast<size_t>(rows * channels));
    ref::linear(wide.data(), rows, columns, weight.data(), channels, sums.data());
    return sums;
  }
};

TEST(Products, AreThoseOfPlainLoops) {
  test::Random random(1);
  for (int64_t rows : {0, 1, 3, 4, 5, 9})
    for (int64_t columns : {1, 7, 8, 9, 67})
      for (int64_t channels : {1, 2, 3, 47, 48, 49, 101}) {
        Product product(random, rows, columns, channels);
        std::vector<float> tiled = product.tiled(1);
        std::vector<double> plain = product.plain();
        for (size_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(tiled[i], plain[i], 1e-4) << rows << " " << columns << " " << channels << " at " << i;
      }
}

TEST(Products, ARowsBitsDependOnNothingElse) {
  test::Random random(2);
  Product all(random, 9, 67, 101);
  std::vector<float> together = all.tiled(1);
  EXPECT_EQ(all.tiled(4), together);
  Product one = all;
  one.rows = 1;
  std::vector<float> alone = one.tiled(1);
  EXPECT_EQ(std::vector<float>(together.begin(), together.begin() + 101), alone);
}

}  // namespace
}  // namespace ingot::reference
