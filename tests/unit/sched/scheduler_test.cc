#include "runtime/sched/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ingot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Sequence> sequence(SequenceId id, int32_t prompt, int32_t output, int32_t firstToken = 0) {
  auto made = std::make_unique<Sequence>();
  made->id = id;
  for (int32_t i = 0; i < prompt; ++i) made->tokens.push_back(firstToken + i);
  made->promptTokens = prompt;
  made->maxTokens = prompt + output;
  return made;
}

std::vector<int32_t> pagesOf(const Sequence& sequence) {
  std::vector<int32_t> ids;
  for (const PageHandle& page : sequence.pages) ids.push_back(static_cast<int32_t>(page.id()));
  return ids;
}

// id:first+count of every chunk; * where it samples.
std::vector<std::string> describe(const BatchPlan& plan) {
  std::vector<std::string> chunks;
  for (const ScheduledChunk& c : plan.chunks)
    chunks.push_back(std::to_string(c.sequence->id) + ":" + std::to_string(c.first) + "+" + std::to_string(c.count) + (c.samples ? "*" : ""));
  return chunks;
}

// Commits, and gives every sampling sequence the token `token`.
void finishStep(Scheduler& scheduler, const BatchPlan& plan, int32_t token = 500) {
  scheduler.commit();
  for (const ScheduledChunk& c : plan.chunks)
    if (c.samples) c.sequence->tokens.push_back(token);
}

TEST(Scheduler, PromptsAndDecodingRowsShareAStep) {
  Scheduler scheduler({.pages = 16, .pageTokens = 4, .maxBatchedTokens = 32, .maxSequences = 4, .maxRows = 8, .prefixCaching = false});
  ASSERT_TRUE(scheduler.add(sequence(1, 6, 10)).ok());
  const BatchPlan& plan = scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:0+6*"));
  EXPECT_THAT(pagesOf(*plan.chunks[0].sequence), ElementsAre(0, 1));
  finishStep(scheduler, plan);
  ASSERT_TRUE(scheduler.add(sequence(2, 5, 10, 100)).ok());
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:6+1*", "2:0+5*"));
  EXPECT_THAT(pagesOf(*plan.chunks[1].sequence), ElementsAre(2, 3));
  EXPECT_EQ(plan.tokens, 6);
  EXPECT_EQ(plan.rows, 2);
  finishStep(scheduler, plan);
  scheduler.remove(1);
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("2:5+1*"));
  finishStep(scheduler, plan);
  scheduler.remove(2);
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.freePages(), 16);
}

TEST(Scheduler, LongPromptsComeInChunksOfTheStepsBudget) {
  Scheduler scheduler({.pages = 16, .pageTokens = 4, .maxBatchedTokens = 8, .maxSequences = 4, .maxRows = 8, .prefixCaching = false});
  ASSERT_TRUE(scheduler.add(sequence(1, 3, 10)).ok());
  ASSERT_TRUE(scheduler.add(sequence(2, 19, 10)).ok());
  const BatchPlan& plan = scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:0+3*", "2:0+5"));
  EXPECT_EQ(plan.rows, 1);
  finishStep(scheduler, plan);
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:3+1*", "2:5+7"));
  finishStep(scheduler, plan);
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:4+1*", "2:12+7*"));
  EXPECT_EQ(plan.chunks[1].firstRow, 1);
}

TEST(Scheduler, NoMoreSequencesThanAllowed) {
  Scheduler scheduler({.pages = 16, .pageTokens = 4, .maxBatchedTokens = 32, .maxSequences = 2, .maxRows = 2, .prefixCaching = false});
  for (SequenceId id = 1; id <= 3; ++id) ASSERT_TRUE(scheduler.add(sequence(id, 2, 4)).ok());
  const BatchPlan& plan = scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:0+2*", "2:0+2*"));
  finishStep(scheduler, plan);
  scheduler.remove(1);
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("2:2+1*", "3:0+2*"));
}

TEST(Scheduler, RefusesWhatNeverFitsWithBothNumbers) {
  Scheduler scheduler({.pages = 3, .pageTokens = 16});
  Status status = scheduler.add(sequence(1, 40, 9));
  EXPECT_EQ(status.code(), StatusCode::resourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("needs 4 KV pages, the pool has 3"));
  EXPECT_TRUE(scheduler.idle());
  EXPECT_TRUE(scheduler.add(sequence(2, 40, 8)).ok());
}

TEST(Scheduler, TheYoungestGivesUpItsPages) {
  Scheduler scheduler({.pages = 4, .pageTokens = 4, .maxBatchedTokens = 32, .maxSequences = 4, .maxRows = 8, .prefixCaching = false});
  ASSERT_TRUE(scheduler.add(sequence(1, 8, 8)).ok());
  ASSERT_TRUE(scheduler.add(sequence(2, 7, 8)).ok());
  const BatchPlan& plan = scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:0+8*", "2:0+7*"));
  finishStep(scheduler, plan);
  scheduler.next();  // 1 needs a third page
  EXPECT_THAT(describe(plan), ElementsAre("1:8+1*"));
  EXPECT_EQ(scheduler.preemptions(), 1);
  EXPECT_EQ(scheduler.freePages(), 1);
  finishStep(scheduler, plan);
  scheduler.remove(1);
  scheduler.next();  // and 2 is computed again, with the token that it has by now
  EXPECT_THAT(describe(plan), ElementsAre("2:0+8*"));
  EXPECT_TRUE(scheduler.isConsistent());
}

TEST(Scheduler, PromptRowsAreAllTheRowsOfAChunk) {
  Scheduler scheduler({.pages = 16, .pageTokens = 4, .maxBatchedTokens = 32, .maxSequences = 4, .maxRows = 4});
  auto scored = sequence(1, 10, 4);
  scored->wantsPromptRows = true;
  ASSERT_TRUE(scheduler.add(std::move(scored)).ok());
  const BatchPlan& plan = scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:0+4"));  // four rows a step, at most
  EXPECT_EQ(plan.chunks[0].rows, 4);
  finishStep(scheduler, plan);
  scheduler.next();
  finishStep(scheduler, plan);
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:8+2*"));
  EXPECT_EQ(plan.chunks[0].rows, 2);
  finishStep(scheduler, plan);
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:10+1*"));
  EXPECT_EQ(plan.chunks[0].rows, 1);
}

TEST(Scheduler, SharesThePagesOfACommonPrefix) {
  Scheduler scheduler({.pages = 16, .pageTokens = 4, .maxBatchedTokens = 32, .maxSequences = 4, .maxRows = 8});
  ASSERT_TRUE(scheduler.add(sequence(1, 9, 8)).ok());
  const BatchPlan& plan = scheduler.next();
  finishStep(scheduler, plan);
  ASSERT_TRUE(scheduler.add(sequence(2, 9, 8)).ok());
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:9+1*", "2:8+1*"));
  EXPECT_EQ(plan.chunks[1].sequence->cachedTokens, 8);
  EXPECT_THAT(pagesOf(*plan.chunks[1].sequence), ElementsAre(0, 1, 3));
  finishStep(scheduler, plan);
  // The last token is computed even when its page is known: eight tokens share one page.
  ASSERT_TRUE(scheduler.add(sequence(3, 8, 8)).ok());
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("1:10+1*", "2:9+1*", "3:4+4*"));
  finishStep(scheduler, plan);
  for (SequenceId id : {1, 2, 3}) scheduler.remove(id);
  EXPECT_TRUE(scheduler.idle());
  EXPECT_TRUE(scheduler.isConsistent());
}

TEST(Scheduler, ForgetsCachedPrefixesWhenOthersNeedThePages) {
  Scheduler scheduler({.pages = 4, .pageTokens = 4, .maxBatchedTokens = 32, .maxSequences = 4, .maxRows = 8});
  ASSERT_TRUE(scheduler.add(sequence(1, 12, 4)).ok());
  const BatchPlan& plan = scheduler.next();
  finishStep(scheduler, plan);
  scheduler.remove(1);
  EXPECT_EQ(scheduler.freePages(), 1);
  ASSERT_TRUE(scheduler.add(sequence(2, 15, 1, 1000)).ok());
  scheduler.next();
  EXPECT_THAT(describe(plan), ElementsAre("2:0+15*"));
}

}  // namespace
}  // namespace ingot
