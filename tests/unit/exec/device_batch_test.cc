// A batch as a GPU sees it: the same numbers at other addresses, and a page table no wider than the batch needs.
#include <gtest/gtest.h>

#include <vector>

#include "runtime/exec/device_batch.h"

namespace ingot {
namespace {

TEST(DeviceBatch, HoldsTheSameNumbers) {
  BatchLimits limits{.tokens = 40, .sequences = 3, .rows = 4, .pagesPerSequence = 9, .queryBlock = 16};
  Batch batch(limits);
  std::vector<int32_t> ids(20), pages = {7, 3, 5};
  for (int32_t i = 0; i < 20; ++i) ids[static_cast<size_t>(i)] = 100 + i;
  batch.add(ids, 18, 2, pages);
  batch.add(std::span(ids).first(1), 5, 1, std::span(pages).first(1));
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
  for (int b = 0; b < packed.num_blocks; ++b) EXPECT_EQ(packed.blocks[b].first_token, view.blocks[b].first_token);
  EXPECT_EQ(packed.page_table[2], 5);
  EXPECT_EQ(packed.page_table[3], 7);  // the second sequence
}

TEST(DeviceBatch, TheLargestFits) {
  BatchLimits limits{.tokens = 33, .sequences = 33, .rows = 33, .pagesPerSequence = 5, .queryBlock = 16};
  Batch batch(limits);
  std::vector<int32_t> pages = {1, 2, 3, 4, 5};
  for (int32_t s = 0; s < 33; ++s) batch.add({&s, 1}, 79, 1, pages);
  std::vector<std::byte> bytes(packedBatchBytes(limits));
  EXPECT_EQ(packBatch(batch.view(), reinterpret_cast<uint64_t>(bytes.data()), bytes.data()), bytes.size());
}

}  // namespace
}  // namespace ingot
