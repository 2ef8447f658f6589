// The most likely token as GPUs choose it against the CPU's sampler: ties, infinities, NaN, and vocabularies around a block's threads.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/linear/layout.h"
#include "runtime/sample/sampler.h"
#include "tests/kernels/harness.h"

namespace ingot::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::vector<float>> rowsOf(Random& random, int64_t columns) {
  auto size = static_cast<size_t>(columns);
  std::vector<std::vector<float>> rows(3);
  for (auto& row : rows) row = random.normals(size);
  rows.emplace_back(size, 1.5f);  // all alike
  rows.emplace_back(size, -kInfinity);
  rows.emplace_back(size, NAN);
  rows.push_back(random.normals(size));
  for (float& x : rows.back()) x = std::round(x * 2);  // ties
  rows.push_back(random.normals(size));
  rows.back().front() = NAN;
  rows.back().back() = kInfinity;
  return rows;
}

TEST(Argmax, IsThatOfTheSampler) {
  const std::vector<int64_t> kColumns = {1, 2, 3, 5, 64, 1023, 4097, 9001};
  std::vector<KernelText> texts;
  for (int64_t columns : kColumns) texts.push_back({"argmax", fmt::format("columns = {} : i64", columns), ""});
  auto library = KernelLibrary::build(texts, "cuda-emulated");
  ASSERT_TRUE(library.ok()) << library.status().message();
  Random random(3);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    auto rows = rowsOf(random, kColumns[i]);
    auto stride = static_cast<size_t>(paddedColumns(kColumns[i]));
    Poisoned logits(rows.size() * stride * 4), ids(rows.size() * 4);
    for (size_t r = 0; r < rows.size(); ++r) std::copy(rows[r].begin(), rows[r].end(), logits.as<float>() + r * stride);
    IngotBatch batch{};
    batch.num_rows = static_cast<ingot_i32>(rows.size());
    (*library)->at(i).runBackwards(batch, {logits.data(), ids.data()}, (*library)->at(i).tilesFor(batch.num_rows));
    EXPECT_TRUE(ids.guardsIntact());
    for (size_t r = 0; r < rows.size(); ++r) EXPECT_EQ(ids.as<int32_t>()[r], argmax(rows[r])) << "row " << r << " of " << kColumns[i] << " columns";
  }
}

}  // namespace
}  // namespace ingot::test
