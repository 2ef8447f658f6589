// The plain loops of kernels/ref on values worked out by hand.
#include <gtest/gtest.h>

#include <vector>

#include "kernels/ref/attention.h"
#include "kernels/ref/embedding.h"
#include "kernels/ref/linear.h"
#include "kernels/ref/norm.h"
#include "kernels/ref/quantize.h"
#include "kernels/ref/rope.h"

namespace ingot::ref {
namespace {

TEST(Norm, RmsDividesByTheRootMeanSquare) {
  double x[] = {3, 4}, y[2];
  float weight[] = {1, 10};
  rmsNorm(x, weight, 2, 0.5, y);  // mean square 12.5, plus eps 13
  EXPECT_DOUBLE_EQ(y[0], 3 / std::sqrt(13.0));
  EXPECT_DOUBLE_EQ(y[1], 40 / std::sqrt(13.0));
}

TEST(Norm, LayerCentresAndAddsTheBias) {
  double x[] = {1, 3}, y[2];
  float weight[] = {2, 2}, bias[] = {0, 5};
  layerNorm(x, weight, bias, 2, 0.0, y);
  EXPECT_DOUBLE_EQ(y[0], -2);
  EXPECT_DOUBLE_EQ(y[1], 7);
}

TEST(Linear, SumsOverColumns) {
  double x[] = {1, 2, 3, 4}, y[6];
  float weight[] = {1, 0, 0, 1, 1, -1};
  linear(x, 2, 2, weight, 3, y);
  EXPECT_EQ(std::vector<double>(y, y + 6), (std::vector<double>{1, 2, -1, 3, 4, -1}));
}

TEST(Linear, InterleavesRunsOfSixteen) {
  EXPECT_EQ(interleavedChannel(0, 0, 2), 0);
  EXPECT_EQ(interleavedChannel(15, 1, 2), 31);
  EXPECT_EQ(interleavedChannel(16, 0, 2), 32);
  EXPECT_EQ(interleavedChannel(17, 1, 2), 49);
}

TEST(Embedding, ReadsRowsAtAnOffset) {
  int ids[] = {0, 1};
  float table[] = {1, 2, 3, 4, 5, 6}, y[4];
  embedding(ids, 2, table, 2, 1, y);
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{3, 4, 5, 6}));
}

TEST(Rope, PairsHalvesAndLeavesTheRest) {
  double head[] = {1, 2, 3, 4, 9};
  float table[] = {0, 1, 1, 0};  // a quarter turn, then none
  rotateHead(head, table, 4);
  EXPECT_EQ(std::vector<double>(head, head + 5), (std::vector<double>{-3, 2, 1, 4, 9}));
}

TEST(Quantize, RoundsToEvenAndKeepsThePeak) {
  double x[] = {127, 2.5, 3.5, -127};
  signed char codes[4];
  double scale;
  quantizeGroup(x, 4, codes, scale);
  EXPECT_EQ(scale, 1);
  EXPECT_EQ(std::vector<int>(codes, codes + 4), (std::vector<int>{127, 2, 4, -127}));
  double zeros[] = {0, 0};
  roundRow(zeros, 2, 2, RowCode::i8, zeros);
  EXPECT_EQ(zeros[0], 0);
  // Of e4m3, with 448 as the peak: 8 steps to a power of two, ties to even, steps of 2^-9 below 2^-6.
  double floats[] = {448, 17, 19, -30.5, 0x1.8p-9, -0x1p-11};
  roundRow(floats, 6, 6, RowCode::f8, floats);
  EXPECT_EQ(std::vector<double>(floats, floats + 6), (std::vector<double>{448, 16, 20, -30, 0x1p-8, 0}));
  for (int code = 0; code < 127; ++code) EXPECT_EQ(roundToFloat8(float8Value<double>(code)), float8Value<double>(code)) << code;
}

TEST(Softmax, IsStableForLargeScores) {
  double x[] = {1000, 1000 + std::log(3.0)};
  softmax(x, 2);
  EXPECT_NEAR(x[0], 0.25, 1e-12);
  double y[] = {1000, 1000};
  logSoftmax(y, 2);
  EXPECT_NEAR(y[0], std::log(0.5), 1e-12);
}

// Equal scores: the result is the mean of the values that the row may see.
TEST(Attention, SeesItsWindowAndItsKvHead) {
  AttentionShape<double> shape{4, 2, 1, 1.0, 0, 0.0};
  double q[] = {0, 0, 0, 0}, keys[8] = {}, values[] = {1, 10, 2, 20, 6, 60, 99, 99}, y[4];
  attention(shape, q, 2, keys, values, y);  // position 3 is not seen
  EXPECT_EQ(std::vector<double>(y, y + 4), (std::vector<double>{3, 3, 30, 30}));
  shape.window = 2;
  attention(shape, q, 2, keys, values, y);
  EXPECT_EQ(std::vector<double>(y, y + 4), (std::vector<double>{4, 4, 40, 40}));
}

TEST(Attention, CapsScores) {
  AttentionShape<double> shape{1, 1, 1, 2.0, 0, 1.0};
  double q[] = {1}, keys[] = {0, 1000}, values[] = {0, 1}, y[1];
  attention(shape, q, 1, keys, values, y);
  EXPECT_NEAR(y[0], std::exp(1.0) / (1 + std::exp(1.0)), 1e-9);  // scores 0 and tanh(2000)
}

// Slopes as of transformers' build_alibi_tensor.
TEST(Attention, LosesWithDistance) {
  auto slopes = [](long long heads) {
    std::vector<double> all;
    for (long long h = 0; h < heads; ++h) all.push_back(alibiSlope<double>(heads, h));
    return all;
  };
  EXPECT_EQ(slopes(1), std::vector<double>{0x1p-8});
  EXPECT_EQ(slopes(8), (std::vector<double>{0.5, 0.25, 0.125, 0.0625, 0x1p-5, 0x1p-6, 0x1p-7, 0x1p-8}));
  EXPECT_EQ(slopes(6), (std::vector<double>{0.25, 0.0625, 0x1p-6, 0x1p-8, 0.5, 0.125}));
  AttentionShape<double> shape{2, 1, 1, 1.0, 0, 0.0, true};  // slopes 1/16 and 1/256
  double q[] = {0, 0}, keys[3] = {}, values[] = {0, 0, 1}, y[2];
  attention(shape, q, 2, keys, values, y);
  for (int h = 0; h < 2; ++h) EXPECT_NEAR(y[h], 1 / (1 + std::exp(-slopes(2)[h]) + std::exp(-2 * slopes(2)[h])), 1e-12);
}

}  // namespace
}  // namespace ingot::ref
