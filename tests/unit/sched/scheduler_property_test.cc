// Random requests, limits, arrivals and cancellations; tokens known at once, or a step late. After each step: pages add up, budgets hold,
// every token has its page and no page is written by two sequences; at the end everybody was served.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "runtime/sched/scheduler.h"
#include "tests/support/random.h"

namespace ingot {
namespace {

class World {
 public:
  explicit World(test::Random& random) : random_(random) {
    limits_.pageTokens = 4;
    limits_.pages = static_cast<int32_t>(random.integer(8, 40));
    limits_.maxSequences = static_cast<int32_t>(random.integer(1, 6));
    limits_.maxBatchedTokens = static_cast<int32_t>(random.integer(limits_.maxSequences, 24));
    limits_.maxRows = static_cast<int32_t>(random.integer(limits_.maxSequences, 8));
    limits_.prefixCaching = random.chance(0.7);
    isLate_ = random.chance(0.5);
    scheduler_ = std::make_unique<Scheduler>(limits_);
  }

  void run() {
    for (int step = 0; step < 3000; ++step) {
      if (next_ < 40 && random_.chance(0.3)) add();
      if (scheduler_->idle()) {
        if (next_ == 40) break;
        continue;
      }
      if (!remaining_.empty() && random_.chance(0.02)) cancel();
      if (scheduler_->idle()) continue;
      const BatchPlan& plan = scheduler_->next();
      check(plan);
      if (::testing::Test::HasFatalFailure()) return;
      if (plan.tokens > 0) begin(plan);
      else ASSERT_FALSE(begun_.empty()) << "an empty step with work to do";
      if (begun_.size() > isLate_ || plan.tokens == 0) finish();
    }
    EXPECT_EQ(served_ + cancelled_, 40);
    EXPECT_TRUE(scheduler_->idle());
  }

 private:
  void add() {
    auto sequence = std::make_unique<Sequence>();
    sequence->id = next_++;
    int64_t longest = int64_t{limits_.pages} * limits_.pageTokens;
    sequence->promptTokens = static_cast<int32_t>(random_.integer(1, std::min<int64_t>(longest - 1, 40)));
    sequence->maxTokens = static_cast<int32_t>(random_.integer(sequence->promptTokens + 1, std::min<int64_t>(longest, sequence->promptTokens + 30)));
    sequence->wantsPromptRows = random_.chance(0.2);
    int32_t family = static_cast<int32_t>(random_.integer(0, 2));
    for (int32_t i = 0; i < sequence->promptTokens; ++i) sequence->tokens.push_back(random_.chance(0.97) ? family : 7);
    remaining_[sequence->id] = sequence->maxTokens - sequence->promptTokens;
    ASSERT_TRUE(scheduler_->add(std::move(sequence)).ok());
  }

  void cancel() {
    auto victim = std::next(remaining_.begin(), random_.integer(0, static_cast<int64_t>(remaining_.size()) - 1));
    scheduler_->remove(victim->first);
    remaining_.erase(victim);
    ++cancelled_;
    ASSERT_TRUE(scheduler_->isConsistent());
  }

  void check(const BatchPlan& plan) {
    ASSERT_TRUE(scheduler_->isConsistent());
    ASSERT_LE(plan.tokens, limits_.maxBatchedTokens);
    ASSERT_LE(plan.rows, limits_.maxRows);
    ASSERT_LE(static_cast<int32_t>(plan.chunks.size()), limits_.maxSequences);
    int32_t tokens = 0, rows = 0;
    std::set<SequenceId> seen;
    std::set<std::pair<int32_t, int32_t>> written;  // page and slot
    for (const ScheduledChunk& c : plan.chunks) {
      const Sequence& s = *c.sequence;
      ASSERT_TRUE(seen.insert(s.id).second);
      ASSERT_GT(c.count, 0);
      ASSERT_EQ(c.first, s.computed);
      ASSERT_LE(c.first + c.count, static_cast<int32_t>(s.tokens.size()));
      ASSERT_LT(static_cast<int32_t>(s.tokens.size()), s.maxTokens);
      ASSERT_EQ(c.samples, c.first + c.count == static_cast<int32_t>(s.tokens.size()));
      ASSERT_EQ(c.firstRow, rows);
      ASSERT_GE(c.rows, c.samples ? 1 : 0);
      ASSERT_LE(c.rows, c.count);
      ASSERT_LE(static_cast<size_t>(c.first + c.count), s.pages.size() * 4);
      for (int32_t t = c.first; t < c.first + c.count; ++t) {
        auto page = s.pages[static_cast<size_t>(t / 4)].id();
        ASSERT_TRUE(written.emplace(static_cast<int32_t>(page), t % 4).second) << "two sequences write one slot";
        holds_[static_cast<int32_t>(page)][t % 4] = {t, s.tokens[static_cast<size_t>(t)]};
      }
      tokens += c.count;
      rows += c.rows;
    }
    ASSERT_EQ(tokens, plan.tokens);
    ASSERT_EQ(rows, plan.rows);
    // What a chunk attends to is what its own tokens wrote, or the same tokens of another.
    for (const ScheduledChunk& c : plan.chunks)
      for (int32_t t = 0; t < c.first + c.count; ++t) {
        auto expected = std::pair{t, c.sequence->tokens[static_cast<size_t>(t)]};
        ASSERT_EQ(holds_[static_cast<int32_t>(c.sequence->pages[static_cast<size_t>(t / 4)].id())][t % 4], expected) << "foreign key at token " << t;
      }
  }

  void begin(const BatchPlan& plan) {
    scheduler_->commit();
    auto& draws = begun_.emplace_back();
    for (const ScheduledChunk& c : plan.chunks) {
      if (!c.samples) continue;
      draws.push_back({c.sequence, c.sequence->id, c.sequence->tokens.size()});
      c.sequence->tokens.push_back(~c.lastRow());
    }
  }

  // The tokens of the first step that has begun; some end their sequence.
  void finish() {
    auto draws = std::move(begun_.front());
    begun_.pop_front();
    for (const Draw& draw : draws) {
      if (!remaining_.contains(draw.id)) continue;
      auto token = static_cast<int32_t>(random_.integer(0, 1));
      know(*draw.sequence, draw.at, token);
      if (--remaining_.at(draw.id) > 0 && !random_.chance(0.03)) continue;
      remaining_.erase(draw.id);
      scheduler_->remove(draw.id);
      ++served_;
    }
    ASSERT_TRUE(scheduler_->isConsistent());
  }
  void know(Sequence& s, size_t at, int32_t token) {
    s.tokens[at] = token;
    if (static_cast<int32_t>(at) < s.computed) holds_[static_cast<int32_t>(s.pages[at / 4].id())][at % 4].second = token;
  }

  // A token in the making: the `at`-th of a sequence.
  struct Draw {
    Sequence* sequence;
    SequenceId id;
    size_t at;
  };

  test::Random& random_;
  SchedulerLimits limits_;
  bool isLate_ = false;
  std::deque<std::vector<Draw>> begun_;
  std::unique_ptr<Scheduler> scheduler_;
  std::map<SequenceId, int32_t> remaining_;
  std::map<int32_t, std::array<std::pair<int32_t, int32_t>, 4>> holds_;
  SequenceId next_ = 0;
  int served_ = 0, cancelled_ = 0;
};

TEST(SchedulerProperty, EverybodyIsServedAndPagesAddUp) {
  test::Random random(12);
  for (int world = 0; world < 300; ++world) {
    SCOPED_TRACE(world);
    World(random).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ingot
