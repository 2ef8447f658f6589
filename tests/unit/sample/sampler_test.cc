#include "runtime/sample/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "runtime/sample/random.h"
#include "tests/support/random.h"

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
  EXPECT_EQ(argmax(std::vector<float>{kNan, kNan}), 0);
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
  std::vector<std::pair<float, int32_t>> scratch;
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
    for (int i = 0; i < kDraws; ++i) seen[static_cast<size_t>(draw(settings, logits, (i + 0.5) / kDraws, scratch))] += 1.0 / kDraws;
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
  std::vector<std::pair<float, int32_t>> scratch;
  std::vector<float> logits = {1, 1, 1, 1};
  EXPECT_EQ(draw(settings, logits, 0.01, scratch), 0);
  EXPECT_EQ(draw(settings, logits, 0.99, scratch), 1);
}

TEST(Draw, TheEndsOfTheUnitIntervalStayInside) {
  SamplerSettings settings;
  settings.temperature = 0.01f;
  std::vector<std::pair<float, int32_t>> scratch;
  std::vector<float> logits = {50, -50, 49.9f};
  for (double u : {0x1p-53, 1 - 0x1p-53}) EXPECT_NE(draw(settings, logits, u, scratch), 1);
  EXPECT_EQ(draw(settings, std::vector<float>{-kInf, -kInf, 3}, 1 - 0x1p-53, scratch), 2);
}

TEST(Draw, GreedyIsArgmax) {
  SamplerSettings settings;
  settings.temperature = 0;
  std::vector<std::pair<float, int32_t>> scratch;
  EXPECT_EQ(draw(settings, std::vector<float>{1, 5, 5}, 0.999, scratch), 1);
}

TEST(TopLogprobs, AreSortedRankedAndSumToOne) {
  test::Random random(21);
  std::vector<float> logits = random.normals(50, 3);
  auto all = topLogprobs(logits, 17, -1);
  ASSERT_EQ(all.size(), 50u);
  EXPECT_EQ(all[0].id, 17);
  double sum = 0;
  std::set<int> ranks;
  for (const TokenLogprob& one : all) {
    sum += std::exp(one.logprob);
    ranks.insert(one.rank);
    int better = static_cast<int>(std::count_if(logits.begin(), logits.end(), [&](float l) { return l > logits[static_cast<size_t>(one.id)]; }));
    EXPECT_EQ(one.rank, better + 1);
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_EQ(ranks.size(), 50u);
  for (size_t i = 2; i < all.size(); ++i) EXPECT_GE(all[i - 1].logprob, all[i].logprob);
}

TEST(TopLogprobs, TheChosenComesOnce) {
  std::vector<float> logits = {1, 3, 2};
  auto best = topLogprobs(logits, 1, 2);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].id, 1);
  EXPECT_EQ(best[0].rank, 1);
  EXPECT_EQ(best[1].id, 2);
  auto other = topLogprobs(logits, 0, 2);
  ASSERT_EQ(other.size(), 3u);
  EXPECT_EQ(other[0].rank, 3);
  EXPECT_EQ(topLogprobs(logits, 0, 0).size(), 1u);
}

}  // namespace
}  // namespace ingot
