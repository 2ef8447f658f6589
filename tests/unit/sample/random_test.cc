#include "runtime/sample/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace ingot {
namespace {

using Block = std::array<uint32_t, 4>;

// Known answers of philox4x32-10 from Random123's kat_vectors.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Uniform, IsTheFirst52BitsAndNeverAnEnd) {
  EXPECT_EQ(uniform(0, 0, 0), (static_cast<double>(0x6627e8d5e169cull) + 0.5) * 0x1p-52);
  for (uint32_t position = 0; position < 10000; ++position) {
    double u = uniform(7, 1, position);
    ASSERT_GT(u, 0);
    ASSERT_LT(u, 1);
  }
}

TEST(Uniform, SeedStreamAndPositionAllCount) {
  std::set<double> drawn;
  for (uint64_t seed : {0ull, 1ull, 1ull << 32, ~0ull})
    for (uint32_t stream : {0u, 1u, 2u})
      for (uint32_t position : {0u, 1u, 2u}) drawn.insert(uniform(seed, stream, position));
  EXPECT_EQ(drawn.size(), 36u);
}

// Chi-square over 100 bins: 99 degrees of freedom, 99.99 % below 160.
TEST(Uniform, IsUniform) {
  std::array<int, 100> bins{};
  constexpr int kDraws = 100000;
  for (uint32_t i = 0; i < kDraws; ++i) ++bins[static_cast<size_t>(uniform(42, i % 7, i) * 100)];
  double chi = 0;
  for (int count : bins) chi += std::pow(count - kDraws / 100.0, 2) / (kDraws / 100.0);
  EXPECT_LT(chi, 160);
}

}  // namespace
}  // namespace ingot
