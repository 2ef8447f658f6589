#include "runtime/kv/page_pool.h"

#include <gtest/gtest.h>

#include "tests/support/random.h"

namespace ingot {
namespace {

int32_t idOf(const PageHandle& page) { return static_cast<int32_t>(page.id()); }

TEST(PagePool, GivesPagesInOrderAndTheLastReturnedFirst) {
  PagePool pool(4);
  PageHandle a = pool.take(), b = pool.take(), c = pool.take();
  EXPECT_EQ(idOf(a), 0);
  EXPECT_EQ(idOf(b), 1);
  EXPECT_EQ(idOf(c), 2);
  { PageHandle gone = std::move(b); }
  EXPECT_EQ(idOf(pool.take()), 1);  // gone again at once
  { PageHandle gone = std::move(a); }
  PageHandle first = pool.take(), second = pool.take(), third = pool.take();
  EXPECT_EQ(idOf(first), 0);
  EXPECT_EQ(idOf(second), 1);
  EXPECT_EQ(idOf(third), 3);
  EXPECT_EQ(pool.freePages(), 0);
  EXPECT_TRUE(pool.isConsistent());
}

TEST(PagePool, FreesASharedPageWithItsLastUse) {
  PagePool pool(1);
  PageHandle first = pool.take();
  PageHandle second = pool.share(first);
  EXPECT_EQ(pool.usesOf(first.id()), 2);
  { PageHandle gone = std::move(first); }
  EXPECT_EQ(pool.freePages(), 0);
  { PageHandle gone = std::move(second); }
  EXPECT_EQ(pool.freePages(), 1);
  EXPECT_TRUE(pool.isConsistent());
}

TEST(PagePool, MovingAHandleChangesNothing) {
  PagePool pool(3);
  std::vector<PageHandle> pages;
  for (int i = 0; i < 3; ++i) pages.push_back(pool.take());  // grows, so moves
  EXPECT_EQ(pool.freePages(), 0);
  pages.erase(pages.begin());
  EXPECT_EQ(pool.freePages(), 1);
  EXPECT_EQ(idOf(pages[0]), 1);
  EXPECT_TRUE(pool.isConsistent());
  pages.clear();
  EXPECT_EQ(pool.freePages(), 3);
}

TEST(PagePool, StaysConsistentUnderRandomUse) {
  test::Random random(10);
  PagePool pool(13);
  std::vector<PageHandle> held;
  for (int i = 0; i < 20000; ++i) {
    if (pool.freePages() > 0 && random.chance(0.45)) held.push_back(pool.take());
    else if (!held.empty() && random.chance(0.3))
      held.push_back(pool.share(held[static_cast<size_t>(random.integer(0, static_cast<int64_t>(held.size()) - 1))]));
    else if (!held.empty()) held.erase(held.begin() + random.integer(0, static_cast<int64_t>(held.size()) - 1));
    ASSERT_TRUE(pool.isConsistent());
    std::vector<int> uses(13, 0);
    for (const PageHandle& page : held) ++uses[static_cast<size_t>(idOf(page))];
    for (int page = 0; page < 13; ++page) ASSERT_EQ(pool.usesOf(PageId{page}), uses[static_cast<size_t>(page)]);
    if (held.size() > 60) held.clear();
  }
}

}  // namespace
}  // namespace ingot
