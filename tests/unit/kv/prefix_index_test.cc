#include "runtime/kv/prefix_index.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/random.h"

namespace ingot {
namespace {

constexpr int32_t kPage = 4;

std::vector<int32_t> idsOf(const std::vector<PageHandle>& pages) {
  std::vector<int32_t> ids;
  for (const PageHandle& page : pages) ids.push_back(static_cast<int32_t>(page.id()));
  return ids;
}

// Takes pages for the whole pages of `tokens` and tells the index of them.
std::vector<PageHandle> fill(PagePool& pool, PrefixIndex& index, std::span<const int32_t> tokens) {
  std::vector<PageHandle> pages;
  uint64_t parent = PrefixIndex::kRoot;
  for (size_t at = 0; at + kPage <= tokens.size(); at += kPage) {
    pages.push_back(pool.take());
    parent = index.insert(parent, tokens.subspan(at, kPage), pages.back());
  }
  return pages;
}

const std::vector<int32_t> kTokens = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

TEST(PrefixIndex, FindsWholePagesOfACommonPrefix) {
  PagePool pool(8);
  PrefixIndex index(pool, kPage);
  auto pages = fill(pool, index, kTokens);
  EXPECT_EQ(idsOf(index.find(kTokens)), idsOf(pages));
  EXPECT_EQ(idsOf(index.find(std::span(kTokens).first(11))), (std::vector<int32_t>{0, 1}));
  std::vector<int32_t> other = kTokens;
  other[5] = 99;
  EXPECT_EQ(idsOf(index.find(other)), (std::vector<int32_t>{0}));
  other[0] = 99;
  EXPECT_TRUE(index.find(other).empty());
}

TEST(PrefixIndex, ThePlaceOfAPageCounts) {
  PagePool pool(8);
  PrefixIndex index(pool, kPage);
  auto pages = fill(pool, index, std::vector<int32_t>{1, 1, 1, 1, 2, 2, 2, 2});
  EXPECT_TRUE(index.find(std::vector<int32_t>{2, 2, 2, 2}).empty());
  EXPECT_EQ(index.find(std::vector<int32_t>{1, 1, 1, 1, 1, 1, 1, 1}).size(), 1u);
}

TEST(PrefixIndex, KeepsPagesAndGivesBackTheOldestUnusedLeafFirst) {
  PagePool pool(4);
  PrefixIndex index(pool, kPage);
  { auto pages = fill(pool, index, std::span(kTokens).first(8)); }           // pages 0, 1
  { auto pages = fill(pool, index, std::vector<int32_t>{20, 21, 22, 23}); }  // page 2
  EXPECT_EQ(pool.freePages(), 1);
  EXPECT_EQ(index.evictablePages(), 3);
  ASSERT_TRUE(index.evictOne());                                     // page 1: page 0 has a child
  EXPECT_EQ(idsOf(index.find(kTokens)), (std::vector<int32_t>{0}));  // and was used just now
  ASSERT_TRUE(index.evictOne());
  EXPECT_TRUE(index.find(std::vector<int32_t>{20, 21, 22, 23}).empty());
  ASSERT_TRUE(index.evictOne());
  EXPECT_FALSE(index.evictOne());
  EXPECT_EQ(pool.freePages(), 4);
}

TEST(PrefixIndex, NeverGivesBackAPageInUse) {
  PagePool pool(2);
  PrefixIndex index(pool, kPage);
  auto pages = fill(pool, index, std::span(kTokens).first(8));
  EXPECT_FALSE(index.evictOne());
  pages.clear();
  auto shared = index.find(std::span(kTokens).first(4));
  EXPECT_TRUE(index.evictOne());
  EXPECT_FALSE(index.evictOne());
  EXPECT_EQ(pool.usesOf(shared[0].id()), 2);
}

// Against a map from prefix to page: whatever is found was inserted for just these tokens.
TEST(PrefixIndex, AgreesWithAMapUnderRandomUse) {
  test::Random random(11);
  PagePool pool(24);
  PrefixIndex index(pool, kPage);
  std::map<int32_t, std::vector<int32_t>> holds;  // page -> all tokens up to its end
  for (int round = 0; round < 4000; ++round) {
    std::vector<int32_t> tokens(static_cast<size_t>(random.integer(1, 20)));
    for (int32_t& token : tokens) token = static_cast<int32_t>(random.integer(0, 1));
    auto pages = index.find(tokens);
    for (size_t i = 0; i < pages.size(); ++i)
      ASSERT_EQ(holds.at(static_cast<int32_t>(pages[i].id())),
                std::vector<int32_t>(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>((i + 1) * kPage)));
    uint64_t parent = PrefixIndex::kRoot;
    for (size_t i = 0; (i + 1) * kPage <= tokens.size(); ++i) {
      if (i >= pages.size()) {
        if (pool.freePages() == 0) ASSERT_TRUE(index.evictOne());
        pages.push_back(pool.take());
        holds[static_cast<int32_t>(pages.back().id())].assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>((i + 1) * kPage));
      }
      parent = index.insert(parent, std::span(tokens).subspan(i * kPage, kPage), pages[i]);
    }
    ASSERT_TRUE(pool.isConsistent());
  }
  while (index.evictOne()) {}
  EXPECT_EQ(pool.freePages(), 24) << "every page can be given back once nobody uses it";
}

}  // namespace
}  // namespace ingot
