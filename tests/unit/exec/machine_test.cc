// The choice of code for a GPU.
#include "runtime/exec/machine.h"

#include <gtest/gtest.h>

namespace ingot {
namespace {

TEST(CudaFit, FollowsTheRulesOfCubinsAndPtx) {
  EXPECT_GT(cudaFit("sm_80", 8, 0), 0);
  EXPECT_GT(cudaFit("sm_80", 8, 7), 0);
  EXPECT_EQ(cudaFit("sm_86", 8, 0), 0);
  EXPECT_EQ(cudaFit("sm_80", 9, 0), 0);
  EXPECT_GT(cudaFit("sm_86", 8, 9), cudaFit("sm_80", 8, 9));
  EXPECT_GT(cudaFit("sm_90a", 9, 0), 0);
  EXPECT_EQ(cudaFit("sm_120a", 12, 1), 0);
  EXPECT_GT(cudaFit("sm_121a", 12, 1), cudaFit("compute_90", 12, 1));
  EXPECT_GT(cudaFit("compute_90", 13, 0), 0);
  EXPECT_EQ(cudaFit("compute_90", 8, 9), 0);
}

}  // namespace
}  // namespace ingot
