// A packed batch: the same numbers at other addresses, and a page table no wider than the batch needs.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "runtime/exec/device_batch.h"

namespace ingot {
namespace {

TEST(DeviceBatch, HoldsTheSameNumbers) {
  BatchLimits limits{.tokens = 40, .sequences = 3, .rows = 4, .pagesPerSequence = 9, .queryBlock = 16, .edits = 3, .partials = 2};
  Batch batch(limits);
  std::vector<int32_t> ids(20), pages = {7, 3, 5};
  std::vector<IngotEdit> edits = {{4, 0, 1, 2}, {5, 1, 2, 0}};
  for (int32_t i = 0; i < 20; ++i) ids[static_cast<size_t>(i)] = 100 + i;
  batch.add(ids, 18, 2, pages);
  RowRange row = batch.add(std::span(ids).first(1), 5, 1, std::span(pages).first(1));
  batch.choose(row.first, {.scale = 2, .top_k = 7, .uniform = 11}, edits);
  EXPECT_TRUE(batch.hasRoomFor(1));
  EXPECT_FALSE(batch.hasRoomFor(2));
  const IngotBatch& view = batch.view();

  std::vector<std::byte> bytes(packedBatchBytes(limits));
  size_t used = packBatch(view, reinterpret_cast<uint64_t>(bytes.data()), bytes.data());
  EXPECT_LE(used, bytes.size());
  const auto& packed = *reinterpret_cast<const IngotBatch*>(bytes.data());
  ASSERT_EQ(packed.num_tokens, 21);
  ASSERT_EQ(packed.num_sequences, 2);
  ASSERT_EQ(packed.num_blocks, view.num_blocks);
  EXPECT_EQ(packed.max_pages, 3);
  for (int t = 0; t < 21; ++t) {
    EXPECT_EQ(packed.token_ids[t], view.token_ids[t]);
    EXPECT_EQ(packed.positions[t], view.positions[t]);
    EXPECT_EQ(packed.sequence_of[t], view.sequence_of[t]);
  }
  for (int r = 0; r < 3; ++r) EXPECT_EQ(packed.rows[r], view.rows[r]);
  EXPECT_EQ(packed.samplings[1].top_k, 1);
  EXPECT_EQ(packed.samplings[2].top_k, 7);
  EXPECT_EQ(packed.samplings[2].uniform, 11u);
  EXPECT_EQ(packed.samplings[2].num_edits, 2);
  EXPECT_EQ(packed.edits[packed.samplings[2].first_edit + 1].id, 5);
  for (int b = 0; b < packed.num_blocks; ++b) EXPECT_EQ(packed.blocks[b].first_token, view.blocks[b].first_token);
  ASSERT_EQ(packed.num_splits, 3);
  EXPECT_EQ(packed.splits[1].index, -1);
  EXPECT_EQ(packed.splits[2].block, 2);
  EXPECT_EQ(packed.page_table[2], 5);
  EXPECT_EQ(packed.page_table[3], 7);  // the second sequence
}

// The context of a single token is split if there is room for partial results; prompts are not.
TEST(Batch, SplitsTokensThatStandAlone) {
  Batch batch({.tokens = 40, .sequences = 4, .rows = 4, .pagesPerSequence = 64, .queryBlock = 16, .partials = 5});
  std::vector<int32_t> ids(17), pages(64);
  auto one = std::span(ids).first(1);
  batch.add(one, 255, 1, pages);
  batch.add(one, 256, 1, pages);
  batch.add(ids, 500, 1, pages);
  batch.add(one, 1023, 1, pages);
  const IngotBatch& view = batch.view();
  std::vector<std::array<int, 3>> splits;
  for (int i = 0; i < view.num_splits; ++i) splits.push_back({view.splits[i].block, view.splits[i].index, view.splits[i].partial});
  EXPECT_EQ(splits, (std::vector<std::array<int, 3>>{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {2, -1, 0}, {3, 0, 2}, {3, 1, 2}, {3, 2, 2}, {4, -1, 0}}));
}

TEST(Batch, KnowsWhatIsWantedOfRows) {
  Batch batch({.tokens = 8, .sequences = 4, .rows = 8, .pagesPerSequence = 1, .queryBlock = 16});
  std::vector<int32_t> ids(3), pages(1);
  EXPECT_EQ(batch.logprobRows().count, 0);
  for (int32_t i = 0; i < 3; ++i) {
    RowRange rows = batch.add(std::span(ids).first(i == 1 ? 3 : 1), 0, i == 1 ? 3 : 1, pages);
    EXPECT_EQ(rows.first, i == 0 ? 0 : i == 1 ? 1 : 4);
    if (i < 2) batch.choose(rows.first + rows.count - 1, {.top_k = 1, .logprobs = 1 + i, .own = -1});
    batch.readLogits({rows.first, i == 2 ? 1 : rows.count - 1});
  }
  EXPECT_EQ(batch.view().samplings[1].logprobs, 0);
  EXPECT_EQ(batch.view().samplings[3].logprobs, 2);
  EXPECT_EQ(batch.logprobRows().first, 0);
  EXPECT_EQ(batch.logprobRows().count, 4);
  ASSERT_EQ(batch.logitRows().size(), 2u);
  EXPECT_EQ(batch.logitRows()[0].count, 2);
  EXPECT_EQ(batch.logitRows()[1].first, 4);
  batch.clear();
  EXPECT_EQ(batch.logprobRows().count, 0);
}

TEST(DeviceBatch, TheLargestFits) {
  BatchLimits limits{.tokens = 33, .sequences = 33, .rows = 33, .pagesPerSequence = 5, .queryBlock = 16, .partials = 0};
  Batch batch(limits);
  std::vector<int32_t> pages = {1, 2, 3, 4, 5};
  for (int32_t s = 0; s < 33; ++s) batch.add({&s, 1}, 79, 1, pages);
  std::vector<std::byte> bytes(packedBatchBytes(limits));
  EXPECT_EQ(packBatch(batch.view(), reinterpret_cast<uint64_t>(bytes.data()), bytes.data()), bytes.size());
}

}  // namespace
}  // namespace ingot
