// Codes of groups: exact where a group is codes times a scale, and best by what its columns count.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "compiler/pack/quantize.h"
#include "runtime/base/dtype.h"
#include "tests/support/random.h"

namespace ingot {
namespace {

constexpr int kGroup = 32;
constexpr WeightFormat kFormats[] = {WeightFormat::i4, WeightFormat::i4m};

struct Group {
  std::vector<float> values, importance;
};

// Values around zero; a few columns count a thousand times what the others do, as channels of language models do.
Group randomGroup(test::Random& random) {
  Group group;
  for (int i = 0; i < kGroup; ++i) {
    group.values.push_back(random.normal());
    group.importance.push_back(i % 8 == 3 ? 100 : 0.1f);
  }
  return group;
}

double weightedError(WeightFormat format, const Group& group, const float* importance) {
  GroupCodes codes;
  quantizeGroup(format, group.values.data(), importance, kGroup, codes);
  double error = 0;
  for (size_t i = 0; i < kGroup; ++i) {
    double difference = group.values[i] - (codes.scale * codes.codes[i] + codes.minimum);
    error += group.importance[i] * difference * difference;
  }
  return error;
}

TEST(Quantize, ImportanceLowersTheErrorThatItWeighs) {
  test::Random random(5);
  for (WeightFormat format : kFormats) {
    double with = 0, without = 0;
    for (int i = 0; i < 200; ++i) {
      Group group = randomGroup(random);
      with += weightedError(format, group, group.importance.data());
      without += weightedError(format, group, nullptr);
    }
    EXPECT_LT(with, 0.8 * without) << static_cast<int>(format);
  }
}

TEST(Quantize, GroupsThatAreCodesAlreadyStayExact) {
  test::Random random(6);
  for (WeightFormat format : kFormats) {
    Group group = randomGroup(random);
    // All codes from the least to the largest; a scale and a minimum that 16 bits hold.
    for (int i = 0; i < kGroup; ++i) group.values[static_cast<size_t>(i)] = 0.125f * static_cast<float>(i % 16 - 8);
    EXPECT_EQ(weightedError(format, group, group.importance.data()), 0) << static_cast<int>(format);
    EXPECT_EQ(weightedError(format, group, nullptr), 0) << static_cast<int>(format);
  }
}

TEST(Quantize, EightBitFloatsStayExact) {
  GroupCodes codes;
  std::vector<float> values;
  for (int code = 127 - kGroup; code < 127; ++code) values.push_back((code % 2 ? -0.375f : 0.375f) * f8ToFloat(static_cast<uint8_t>(code)));
  quantizeGroup(WeightFormat::f8, values.data(), nullptr, kGroup, codes);
  EXPECT_EQ(codes.scale, 0.375f);
  for (size_t i = 0; i < kGroup; ++i) EXPECT_EQ(codes.scale * f8ToFloat(static_cast<uint8_t>(codes.codes[i])), values[i]) << i;
  values.assign(kGroup, 0);
  quantizeGroup(WeightFormat::f8, values.data(), nullptr, kGroup, codes);
  EXPECT_EQ(codes.scale, 0);
  EXPECT_EQ(codes.codes[0], 0);
}

TEST(Quantize, OnlyTheRatiosOfImportanceCount) {
  test::Random random(7);
  for (WeightFormat format : kFormats) {
    Group group = randomGroup(random);
    double error = weightedError(format, group, group.importance.data());
    std::vector<float> larger = group.importance;
    for (float& value : larger) value *= 1024;
    EXPECT_EQ(weightedError(format, group, larger.data()), error);
  }
}

TEST(Quantize, EightBitsFollowTheLargestValue) {
  test::Random random(8);
  Group group = randomGroup(random);
  EXPECT_EQ(weightedError(WeightFormat::i8, group, group.importance.data()), weightedError(WeightFormat::i8, group, nullptr));
}

}  // namespace
}  // namespace ingot
