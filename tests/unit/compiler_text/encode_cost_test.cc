// What encoding may cost: nothing from the heap once its scratch is warm, and time linear in the text.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/unit/compiler_text/fixtures.h"

namespace {
std::atomic<long> allocations{0};
}

// Not inline, where the compiler would take them for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace ingot {
namespace {

class EncodeCost : public FixtureTokenizer {};

TEST_P(EncodeCost, NoAllocationOnceWarm) {
  std::string text =
      "Hello  world 123 <s> <|im_start|>tag3 na\xc3\xafve e\xcc\x81\xcc\xa3 \xe4\xbd\xa0\xe5\xa5\xbd\n\n\t\xf0\x9f\x91\x8d\xef\xac\x81 \xff";
  text += std::string(500, 'x');
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  // Its buffers change places from call to call: each has to have been each.
  for (int i = 0; i < 8; ++i) ids.clear(), tokenizer().encode(text, {}, scratch, ids);
  long before = allocations;
  ids.clear();
  tokenizer().encode(text, {}, scratch, ids);
  EXPECT_EQ(allocations - before, 0);
  EXPECT_FALSE(ids.empty());
}

// Any step that looks at a word's rest for each of its letters would not end.
TEST_P(EncodeCost, LongWordsEnd) {
  text::EncodeScratch scratch;
  for (const char* letters : {"a", " ", "ab", "1", "\xcc\x81", "\xe2\x96\x81", "<", "=-"}) {
    std::string text;
    while (text.size() < 300'000) text += letters;
    std::vector<int32_t> ids;
    tokenizer().encode(text, {}, scratch, ids);
    SUCCEED() << ids.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, EncodeCost, testing::ValuesIn(fixtureNames()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ingot
