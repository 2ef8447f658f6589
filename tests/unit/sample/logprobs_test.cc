#include "runtime/sample/logprobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tests/support/random.h"

namespace ingot {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

double logSumExp(const std::vector<float>& logits) {
  double sum = 0, best = *std::max_element(logits.begin(), logits.end());
  for (float logit : logits) sum += std::exp(logit - best);
  return best + std::log(sum);
}

TEST(TopLogprobs, AreSortedRankedAndSumToOne) {
  test::Random random(21);
  SamplerScratch scratch;
  std::vector<float> logits = random.normals(50, 3);
  auto all = topLogprobs(logits, 17, -1, scratch);
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

TEST(TopLogprobs, AreTheSameAsOfASortedRow) {
  test::Random random(24);
  SamplerScratch scratch;
  for (int round = 0; round < 200; ++round) {
    auto logits = random.normals(static_cast<size_t>(random.integer(1, 9000)), 3);
    if (random.chance(0.5))
      for (float& logit : logits) logit = std::round(logit);  // ties
    if (random.chance(0.3)) logits.back() = -kInf;
    auto count = static_cast<int>(random.integer(0, 200)), chosen = static_cast<int>(random.integer(0, static_cast<int64_t>(logits.size()) - 1));
    std::vector<int32_t> order(logits.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
    auto logitOf = [&](int32_t id) { return logits[static_cast<size_t>(id)]; };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logitOf(a) > logitOf(b); });
    order.resize(std::min(order.size(), static_cast<size_t>(count)));
    double normaliser = logSumExp(logits);
    auto best = topLogprobs(logits, chosen, count, scratch);
    ASSERT_EQ(best[0].id, chosen);
    size_t next = 1;
    for (size_t i = 0; i < order.size(); ++i) {
      if (order[i] == chosen) continue;
      ASSERT_LT(next, best.size());
      EXPECT_EQ(best[next].id, order[i]);
      EXPECT_EQ(best[next++].rank, static_cast<int>(i) + 1);
    }
    EXPECT_EQ(next, best.size());
    for (const TokenLogprob& one : best) EXPECT_NEAR(std::exp(one.logprob), std::exp(logitOf(one.id) - normaliser), 2e-6);
  }
}

TEST(TopLogprobs, TheChosenComesOnce) {
  SamplerScratch scratch;
  std::vector<float> logits = {1, 3, kNan, 2};
  auto best = topLogprobs(logits, 1, 2, scratch);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].id, 1);
  EXPECT_EQ(best[0].rank, 1);
  EXPECT_EQ(best[1].id, 3);
  auto other = topLogprobs(logits, 0, 2, scratch);
  ASSERT_EQ(other.size(), 3u);
  EXPECT_EQ(other[0].rank, 3);
  EXPECT_EQ(topLogprobs(logits, 0, 0, scratch).size(), 1u);
}

}  // namespace
}  // namespace ingot
