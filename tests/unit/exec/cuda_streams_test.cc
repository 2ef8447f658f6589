// The stub's streams: launches that may begin early do, and all work ends in order.
#include <gtest/gtest.h>

#include "tests/support/cuda_stub/streams.h"

namespace ingot::test {
namespace {

// A launch that appends its letter when it begins, and the capital letter when it ends.
Work launchOf(std::string& order, char letter) {
  auto run = [&order, letter](const Action& inFront) {
    order += letter;
    if (inFront) inFront();
    order += static_cast<char>(letter - 'a' + 'A');
  };
  return {run, true, true};
}

TEST(CudaStreams, LaunchesBeginBeforeThoseInFrontOfThemHaveEnded) {
  for (unsigned turn = 0; turn < kMostEarly; ++turn) {
    CudaStreamTag stream;
    std::string order, ends;
    for (char letter : {'a', 'b', 'c', 'd', 'e'}) stream.work.push_back(launchOf(order, letter));
    stream.add([&] { order += '-'; });
    stream.work.push_back(launchOf(order, 'f'));
    waitFor(stream);
    std::copy_if(order.begin(), order.end(), std::back_inserter(ends), [](char c) { return c < 'a'; });
    EXPECT_EQ(ends, "ABCDE-F") << order;
    EXPECT_LT(order.find('b'), order.find('A'));
    EXPECT_GT(order.find('f'), order.find('-')) << "what is no launch ends before others begin";
  }
}

}  // namespace
}  // namespace ingot::test
