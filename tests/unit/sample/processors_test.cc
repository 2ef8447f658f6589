#include "runtime/sample/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

namespace ingot {
namespace {

using ::testing::ElementsAre;

constexpr float kMasked = -std::numeric_limits<float>::infinity();

void process(const LogitRules& rules, const SamplerSettings& settings, const TokenHistory& history, std::span<float> logits) {
  std::vector<IngotEdit> edits;
  collectEdits(rules, settings, history, static_cast<int>(history.output().size()), edits);
  applyAllowed(rules, logits);
  applyEdits(edits, logits);
}

TEST(TokenHistory, CountsTheOutputAndSeesThePromptOnce) {
  TokenHistory history(10, std::vector<int32_t>{3, 3, 5}, true);
  for (int32_t token : {5, 7, 7}) history.append(token);
  EXPECT_THAT(history.output(), ElementsAre(5, 7, 7));
  EXPECT_THAT(history.seen(), ElementsAre(3, 5, 7));
  EXPECT_EQ(history.outputCount(3), 0);
  EXPECT_EQ(history.outputCount(5), 1);
  EXPECT_EQ(history.outputCount(7), 2);
}

TEST(Penalties, RepetitionOverBothFrequencyAndPresenceOverTheOutput) {
  TokenHistory history(5, std::vector<int32_t>{0, 1}, true);
  for (int32_t token : {1, 2, 2}) history.append(token);
  std::vector<float> logits = {2, -2, 4, 3, -1};
  SamplerSettings settings;
  settings.repetitionPenalty = 2;
  settings.frequencyPenalty = 0.5f;
  settings.presencePenalty = 0.25f;
  ASSERT_TRUE(settings.penalises());
  process({}, settings, history, logits);
  EXPECT_THAT(logits, ElementsAre(1, -4 - 0.5f - 0.25f, 2 - 1.0f - 0.25f, 3, -1));
}

// Threads of a GPU apply the edits of a turn in any order.
TEST(CollectEdits, HasAnIdOncePerTurnUnlessItIsMasked) {
  TokenHistory history(5, std::vector<int32_t>{0, 1, 1}, true);
  for (int32_t token : {1, 2, 2}) history.append(token);
  LogitRules rules;
  rules.bias = {{1, 3.0f}, {2, -1.0f}};
  rules.badWords = {{2}, {2, 2}};
  rules.stopIds = {2, 4};
  rules.minTokens = 9;
  std::vector<IngotEdit> edits;
  collectEdits(rules, {.repetitionPenalty = 1.5f}, history, 3, edits);
  std::set<std::pair<int, int>> seen;
  for (const IngotEdit& edit : edits) {
    bool isMask = edit.add == kMasked;
    EXPECT_EQ(edit.pass == INGOT_EDIT_PASSES - 1, isMask);
    EXPECT_TRUE(isMask || seen.emplace(edit.pass, edit.id).second);
  }
  EXPECT_TRUE(std::is_sorted(edits.begin(), edits.end(), [](const IngotEdit& a, const IngotEdit& b) { return a.pass < b.pass; }));
  EXPECT_EQ(edits.size(), 2u + 3u + 4u);
}

// Where only some ids are allowed: what the others would have makes no difference, and order is still that of passes.
TEST(CollectEdits, OfAllowedIdsNamePlaces) {
  TokenHistory history(8, std::vector<int32_t>{0, 6}, true);
  LogitRules rules;
  rules.allowed = {1, 4, 6};
  rules.bias = {{0, 3.0f}, {4, -1.0f}};
  rules.stopIds = {1, 7};
  rules.minTokens = 1;
  std::vector<IngotEdit> edits;
  collectEditsOfAllowed(rules, {.repetitionPenalty = 1.5f}, history, 0, edits);
  std::vector<std::pair<int, int>> seen;
  for (const IngotEdit& edit : edits) seen.emplace_back(edit.id, edit.pass);
  EXPECT_EQ(seen, (std::vector<std::pair<int, int>>{{1, 0}, {4, 0}, {6, 0}, {1, 0}, {2, 1}, {0, 2}}));
  EXPECT_EQ(edits[3].add, -1);
  EXPECT_EQ(edits[4].repetition, 1.5f);
  EXPECT_EQ(edits[5].add, kMasked);
}

TEST(Rules, KeepsOnlyAllowedIds) {
  TokenHistory history(4, {}, false);
  LogitRules rules;
  rules.allowed = {2, 0, 2};
  std::vector<float> logits = {1, 2, 3, 4};
  process(rules, {}, history, logits);
  EXPECT_THAT(logits, ElementsAre(1, kMasked, 3, kMasked));
}

TEST(Rules, MasksTheLastTokenOfABadWordWhereTheOthersPrecedeIt) {
  LogitRules rules;
  rules.badWords = {{1}, {2, 3}, {0, 2, 3}};
  TokenHistory history(4, std::vector<int32_t>{2}, false);  // the prompt does not count
  std::vector<float> logits = {1, 1, 1, 1};
  process(rules, {}, history, logits);
  EXPECT_THAT(logits, ElementsAre(1, kMasked, 1, 1));
  history.append(2);
  logits = {1, 1, 1, 1};
  process(rules, {}, history, logits);
  EXPECT_THAT(logits, ElementsAre(1, kMasked, 1, kMasked));
}

TEST(Rules, MasksStopIdsUntilEnoughCameOutAndAddsBias) {
  LogitRules rules;
  rules.stopIds = {0, 3};
  rules.minTokens = 1;
  rules.bias = {{1, 5.0f}, {3, 100.0f}};
  TokenHistory history(4, {}, false);
  std::vector<float> logits = {1, 1, 1, 1};
  process(rules, {}, history, logits);
  EXPECT_THAT(logits, ElementsAre(kMasked, 6, 1, kMasked));  // bias does not bring a masked id back
  history.append(2);
  logits = {1, 1, 1, 1};
  process(rules, {}, history, logits);
  EXPECT_THAT(logits, ElementsAre(1, 6, 1, 101));
}

}  // namespace
}  // namespace ingot
