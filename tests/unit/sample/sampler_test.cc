#include "runtime/sample/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/abi/sampling.h"
#include "runtime/sample/random.h"
#include "tests/support/sampling.h"

namespace ingot {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

TEST(Argmax, TakesTheLowestIdAmongEquals) {
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 3, 2}), 1);
  EXPECT_EQ(argmax(std::vector<float>(5000, 1.0f)), 0);
  std::vector<float> ties(5000, 0.0f);
  ties[4000] = ties[2047] = ties[4999] = 2;
  EXPECT_EQ(argmax(ties), 2047);
  ties[1023] = 2;
  EXPECT_EQ(argmax(ties), 1023);
}

TEST(Argmax, NanNeverWins) {
  EXPECT_EQ(argmax(std::vector<float>{kNan, 1, kNan, 2}), 3);
  EXPECT_EQ(argmax(std::vector<float>{kNan, kNan}), -1);
  EXPECT_EQ(argmax(std::vector<float>(2000, -kInf)), -1);
  EXPECT_EQ(argmax(std::vector<float>{kNan, -kInf, -5}), 2);
  std::vector<float> late(3000, kNan);
  late[2999] = -1e30f;
  EXPECT_EQ(argmax(late), 2999);
}

// The kept ids and their probabilities by the definition of every filter, in double, in vLLM's order.
std::vector<std::pair<double, int32_t>> keptBy(const SamplerSettings& s, const std::vector<float>& logits) {
  std::vector<std::pair<double, int32_t>> all;
  double best = -kInf;
  for (float l : logits)
    if (!std::isnan(l)) best = std::fmax(best, l);
  for (size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i]) && logits[i] > -kInf) all.emplace_back(std::exp((double{logits[i]} - best) / s.temperature), static_cast<int32_t>(i));
  std::erase_if(all, [&](const auto& one) { return one.first < s.minP; });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  if (s.topK > 0 && all.size() > static_cast<size_t>(s.topK)) all.resize(static_cast<size_t>(s.topK));
  double total = 0, mass = 0;
  for (const auto& one : all) total += one.first;
  size_t kept = 0;
  while (kept < all.size() && (kept == 0 || mass < s.topP * total)) mass += all[kept++].first;
  if (s.topP < 1) all.resize(kept);
  total = 0;
  for (const auto& one : all) total += one.first;
  for (auto& one : all) one.first /= total;
  return all;
}

TEST(Draw, FollowsTheProbabilitiesThatTheFiltersLeave) {
  test::Random random(20);
  SamplerScratch scratch;
  for (int round = 0; round < 40; ++round) {
    SamplerSettings settings;
    settings.temperature = 0.3f + 0.1f * static_cast<float>(random.integer(0, 15));
    if (random.chance(0.5)) settings.topK = static_cast<int>(random.integer(1, 12));
    if (random.chance(0.5)) settings.topP = 0.05f * static_cast<float>(random.integer(1, 19)) + 0.003f;
    if (random.chance(0.5)) settings.minP = 0.05f * static_cast<float>(random.integer(1, 19)) + 0.0003f;
    std::vector<float> logits = random.normals(static_cast<size_t>(random.integer(1, 40)), 2);
    if (logits.size() > 3) logits[1] = kNan, logits[2] = -kInf;
    auto kept = keptBy(settings, logits);
    std::vector<double> seen(logits.size(), 0);
    constexpr int kDraws = 4000;
    for (int i = 0; i < kDraws; ++i) seen[static_cast<size_t>(draw(samplingOf(settings, (i + 0.5) / kDraws), logits, scratch))] += 1.0 / kDraws;
    double all = 0;
    for (auto [probability, id] : kept) {
      EXPECT_NEAR(seen[static_cast<size_t>(id)], probability, 2.0 / kDraws + 1e-6) << "id " << id << " round " << round;
      all += seen[static_cast<size_t>(id)];
    }
    EXPECT_NEAR(all, 1, 1e-9) << "nothing else was drawn in round " << round;
  }
}

TEST(Draw, EqualProbabilitiesAreOrderedById) {
  SamplerSettings settings;
  settings.topK = 2;
  SamplerScratch scratch;
  std::vector<float> logits = {1, 1, 1, 1};
  EXPECT_EQ(draw(samplingOf(settings, 0.01), logits, scratch), 0);
  EXPECT_EQ(draw(samplingOf(settings, 0.99), logits, scratch), 1);
}

TEST(Draw, TheEndsOfTheUnitIntervalStayInside) {
  SamplerSettings settings;
  settings.temperature = 0.01f;
  SamplerScratch scratch;
  std::vector<float> logits = {50, -50, 49.9f};
  for (double u : {0x1p-53, 1 - 0x1p-53}) EXPECT_NE(draw(samplingOf(settings, u), logits, scratch), 1);
  EXPECT_EQ(draw(samplingOf(settings, 1 - 0x1p-53), std::vector<float>{-kInf, -kInf, 3}, scratch), 2);
}

TEST(Draw, GreedyIsArgmax) {
  SamplerSettings settings;
  settings.temperature = 0;
  SamplerScratch scratch;
  EXPECT_EQ(draw(samplingOf(settings, 0.999), std::vector<float>{1, 5, 5}, scratch), 1);
}

TEST(Draw, NothingIsDrawnWhereEverythingIsMasked) {
  SamplerScratch scratch;
  for (float temperature : {0.0f, 1.0f})
    for (const auto& logits : {std::vector<float>(100, -kInf), std::vector<float>(100, kNan)})
      EXPECT_EQ(draw(samplingOf({.temperature = temperature}, 0.5), logits, scratch), -1);
}

TEST(Draw, IsThatOfTheDefinition) {
  test::Random random(22);
  SamplerScratch scratch;
  for (int round = 0; round < 3000; ++round) {
    auto logits = test::randomLogits(random, static_cast<size_t>(random.integer(1, random.chance(0.1) ? 20000 : 300)));
    IngotSampling sampling = test::randomSampling(random, static_cast<int>(logits.size()));
    ASSERT_EQ(draw(sampling, logits, scratch), test::drawByDefinition(sampling, logits))
        << logits.size() << " ids, scale " << sampling.scale << " floor " << sampling.floor << " top_k " << sampling.top_k << " top_p "
        << static_cast<double>(sampling.top_p) * 0x1p-64 << " u " << static_cast<double>(sampling.uniform) * 0x1p-64;
  }
}

// Pearson's statistic of 63 degrees of freedom: its mean is 63, its standard deviation 11.2.
TEST(Draw, IsDistributedAsTheSoftmax) {
  SamplerScratch scratch;
  std::vector<float> logits(64);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = 0.03f * static_cast<float>(i * 37 % 64);
  double total = 0;
  for (float logit : logits) total += std::exp(logit / 0.7);
  constexpr int kDraws = 200000;
  std::vector<int> seen(logits.size(), 0);
  for (uint32_t i = 0; i < kDraws; ++i) ++seen[static_cast<size_t>(draw(samplingOf({.temperature = 0.7f}, uniform(5, 0, i)), logits, scratch))];
  double statistic = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    double expected = kDraws * std::exp(logits[i] / 0.7) / total;
    statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
  }
  EXPECT_LT(statistic, 63 + 5 * 11.2);
}

TEST(Weight, IsThePowerInFixedPoint) {
  EXPECT_EQ(ingotWeight(7, 7, 3), uint64_t{1} << 40);
  EXPECT_EQ(ingotWeight(kInf, kInf, 3), uint64_t{1} << 40);
  for (float nothing : {-kInf, kNan, -1e30f}) EXPECT_EQ(ingotWeight(nothing, 7, 3), 0u);
  for (float exponent = 0; exponent > -50; exponent -= 0.0137f)
    EXPECT_NEAR(static_cast<double>(ingotWeight(exponent, 0, 1)), std::exp2(40 + double{exponent}), std::exp2(40 + double{exponent}) * 3e-7 + 1);
}

}  // namespace
}  // namespace ingot
