// rows (norms, residuals, quantised rows) and embedding against plain loops.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/pack/format.h"
#include "kernels/linear/layout.h"
#include "kernels/ref/norm.h"
#include "kernels/ref/quantize.h"
#include "tests/kernels/harness.h"

namespace ingot::test {
namespace {

struct RowsCase {
  int64_t columns;
  const char* norm;
  bool bias;
  int64_t group;
  bool select;
  bool residual;  // y = norm(x) + e
  RowCode code = RowCode::i8;
};

std::vector<RowsCase> rowsCases() {
  std::vector<RowsCase> all;
  for (int64_t columns : {1, 15, 16, 17, 31, 33, 48})
    all.push_back({columns, columns % 2 ? "rms" : "layer", columns % 2 == 0, 0, columns == 33, columns == 17});
  for (int64_t columns : {17, 576}) all.push_back({columns, "layer", columns == 17, 0, false, true});
  for (int64_t group : {32, 128}) all.push_back({group * 3, "rms", false, group, group == 32, group == 128, RowCode::f8});
  for (int64_t group : {16, 32, 64, 128}) all.push_back({group * 9, group == 64 ? "none" : "rms", false, group, group == 16, group == 32});
  for (int64_t group : {0, 16}) all.push_back({8208, "layer", true, group, false, false});  // more than threads hold weights of
  all.push_back({4112, "none", false, 16, false, true});
  all.push_back({64, "none", false, 0, true, false});
  all.push_back({64, "layer", true, 32, false, false});
  return all;
}

KernelText textOf(const RowsCase& c) {
  return {
      "rows",
      fmt::format("columns = {} : i64, norm = \"{}\", eps = 1.0e-5 : f64, bias = {}, group = {} : i64, code = \"{}\", select = {}, selected = false, "
                  "extras = \"{}\"",
                  c.columns, c.norm, c.bias, c.group, c.code == RowCode::f8 ? "f8" : "i8", c.select, c.residual ? "e" : ""),
      c.residual ? "^bb0(%x: f32, %e: f32):\n %0 = llm.add %x, %e : (f32, f32) -> f32\n llm.yield %0 : f32" : ""};
}

class Rows : public ::testing::TestWithParam<std::string> {
 protected:
  // Runs `count` of `tokens` rows; with select, rows 0, 3, 6 ...
  void check(Random& random, const RowsCase& c, const Kernel& kernel, const Kernel* host) {
    constexpr int kTokens = 17;
    int64_t stride = paddedColumns(c.columns);
    int count = c.select ? 6 : kTokens;
    std::vector<ingot_i32> chosen;
    for (int r = 0; r < count; ++r) chosen.push_back(c.select ? 3 * r : r);
    Poisoned x(static_cast<size_t>(kTokens * stride) * 4), weight(static_cast<size_t>(stride) * 4), bias(static_cast<size_t>(stride) * 4),
        residual(static_cast<size_t>(count * stride) * 4);
    for (int t = 0; t < kTokens; ++t)  // columns past the end stay NaN
      for (int64_t i = 0; i < c.columns; ++i) x.as<float>()[t * stride + i] = random.normal(t == 5 ? 1e-4f : 1) + (t == 7 ? 100 : 0);
    for (int64_t i = 0; i < c.columns; ++i) weight.as<float>()[i] = random.normal(), bias.as<float>()[i] = random.normal();
    for (int r = 0; r < count; ++r)
      for (int64_t i = 0; i < c.columns; ++i) residual.as<float>()[r * stride + i] = random.normal();

    std::vector<void*> operands = {x.data()};
    bool normalises = std::string(c.norm) != "none";
    if (normalises) operands.push_back(weight.data());
    if (c.bias) operands.push_back(bias.data());
    if (c.residual) operands.push_back(residual.data());
    size_t rowBytes = static_cast<size_t>(c.group ? quantizedRowBytes(c.columns, static_cast<int>(c.group), c.code) : stride * 4);
    Poisoned y(rowBytes * static_cast<size_t>(count)), again(rowBytes * static_cast<size_t>(count));
    operands.push_back(y.data());
    IngotBatch batch{};
    batch.num_tokens = kTokens;
    batch.num_rows = count;
    batch.rows = chosen.data();
    kernel.run(batch, operands, count);
    EXPECT_TRUE(y.guardsIntact());
    operands.back() = again.data();
    kernel.runBackwards(batch, operands, count);
    EXPECT_EQ(std::memcmp(y.data(), again.data(), y.bytes()), 0);
    if (host) {
      again.poison();
      host->run(batch, operands, count);
      EXPECT_EQ(std::memcmp(y.data(), again.data(), y.bytes()), 0) << "other bits than on this machine";
    }

    for (int r = 0; r < count; ++r) {
      std::vector<double> expected(static_cast<size_t>(c.columns));
      const float* from = x.as<float>() + chosen[static_cast<size_t>(r)] * stride;
      for (int64_t i = 0; i < c.columns; ++i) expected[static_cast<size_t>(i)] = from[i];
      double* e = expected.data();
      if (std::string(c.norm) == "rms") ref::rmsNorm(e, weight.as<float>(), c.columns, 1e-5, e);
      if (std::string(c.norm) == "layer")
        ref::layerNorm<double, float>(e, weight.as<float>(), c.bias ? bias.as<float>() : nullptr, c.columns, 1e-5, e);
      if (c.residual)
        for (int64_t i = 0; i < c.columns; ++i) e[i] += residual.as<float>()[r * stride + i];
      const char* row = y.as<char>() + rowBytes * static_cast<size_t>(r);
      if (c.group) expectQuantised(row, expected, c);
      else expectRow(reinterpret_cast<const float*>(row), expected, stride, chosen[static_cast<size_t>(r)] == 7 ? 100 : 1);
    }
  }

  static void expectRow(const float* row, const std::vector<double>& expected, int64_t stride, double scale) {
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(row[i], expected[i], 4e-6 * scale * (1 + std::fabs(expected[i]))) << "column " << i;
    for (size_t i = expected.size(); i < static_cast<size_t>(stride); ++i) ASSERT_EQ(row[i], 0) << "padding " << i;
  }

  static void expectQuantised(const char* row, const std::vector<double>& expected, const RowsCase& c) {
    auto* scales = reinterpret_cast<const float*>(row + c.columns);
    std::vector<float> values;
    appendQuantizedRow(row, c.columns, c.group, values, c.code);
    for (int64_t i = 0; i < c.columns; ++i) {
      double peak = 0;
      for (int64_t k = i / c.group * c.group; k < (i / c.group + 1) * c.group; ++k)
        peak = std::fmax(peak, std::fabs(expected[static_cast<size_t>(k)]));
      ASSERT_NEAR(scales[i / c.group], peak / ref::largestCode(c.code), 2e-6 * (peak + 1)) << "column " << i;
      // A value half way between two codes may go either way.
      ASSERT_NEAR(values[static_cast<size_t>(i)], expected[static_cast<size_t>(i)],
                  halfStep(expected.data(), i, c.group, c.code) + 1e-4 * (peak + 1));
    }
  }
};

TEST_P(Rows, MatchPlainLoops) {
  if (!canRun(GetParam())) GTEST_SKIP() << "neither this machine nor an installed emulator runs " << GetParam();
  Random random(3);
  std::vector<KernelText> texts;
  std::vector<RowsCase> all = rowsCases();
  if (isEmulated(GetParam())) std::erase_if(all, [&](const RowsCase& c) { return GetParam() == "aarch64" ? c.columns == 16 : c.group < 64; });
  for (const RowsCase& c : all) texts.push_back(textOf(c));
  auto library = KernelLibrary::build(texts, GetParam());
  ASSERT_TRUE(library.ok()) << library.status().message();
  auto host = isEmulated(GetParam()) ? buildForHost(texts) : nullptr;
  for (size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(texts[i].constants);
    check(random, all[i], (*library)->at(i), host ? &host->at(i) : nullptr);
  }
}

TEST_P(Rows, KeepZerosZeroWhenQuantised) {
  if (!canRun(GetParam())) GTEST_SKIP() << "neither this machine nor an installed emulator runs " << GetParam();
  auto library = KernelLibrary::build({textOf({32, "none", false, 32, false, false})}, GetParam());
  ASSERT_TRUE(library.ok()) << library.status().message();
  OperandVector<float> x(32, 0.0f);
  Poisoned y(static_cast<size_t>(quantizedRowBytes(32, 32)));
  IngotBatch batch{};
  batch.num_tokens = 1;
  (*library)->at(0).run(batch, {x.data(), y.data()}, 1);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(y.as<signed char>()[i], 0);
  EXPECT_EQ(*reinterpret_cast<float*>(y.as<char>() + 32), 0);
}

class Embedding : public ::testing::TestWithParam<std::string> {};

TEST_P(Embedding, CopiesTheRowsOfItsTable) {
  if (!canRun(GetParam())) GTEST_SKIP() << "neither this machine nor an installed emulator runs " << GetParam();
  Random random(4);
  struct Case {
    const char* format;
    int64_t n, k, offset;
    bool positions;
  };
  const Case all[] = {{"f32", 31, 17, 0, false},     {"bf16", 33, 32, 0, false},   {"f16", 48, 33, 0, false},   {"i8g32", 17, 64, 0, false},
                      {"i4g32", 50, 32, 0, false},   {"i4mg32", 16, 64, 0, false}, {"i8g16", 49, 48, 0, false}, {"f8g32", 33, 64, 0, false},
                      {"f8g128", 16, 128, 0, false}, {"plain", 32, 31, 2, true}};
  std::vector<KernelText> texts;
  for (const Case& c : all)
    texts.push_back(
        {"embedding",
         fmt::format("n = {} : i64, k = {} : i64, format = \"{}\", offset = {} : i64, positions = {}", c.n, c.k, c.format, c.offset, c.positions),
         ""});
  auto library = KernelLibrary::build(texts, GetParam());
  ASSERT_TRUE(library.ok()) << library.status().message();
  for (size_t i = 0; i < std::size(all); ++i) {
    const Case& c = all[i];
    SCOPED_TRACE(texts[i].constants);
    bool plain = std::string(c.format) == "plain";
    PackedWeights table = packRandom(random, plain ? "f32" : c.format, c.n, c.k);
    OperandVector<float> dense(table.original.begin(), table.original.end());
    std::vector<ingot_i32> ids;
    for (int64_t id = 0; id < c.n - c.offset; ++id) ids.push_back(static_cast<ingot_i32>(id));
    std::shuffle(ids.begin(), ids.end(), random.engine());
    int64_t stride = paddedColumns(c.k);
    Poisoned y(ids.size() * static_cast<size_t>(stride) * 4);
    IngotBatch batch{};
    batch.num_tokens = static_cast<ingot_i32>(ids.size());
    batch.positions = batch.token_ids = ids.data();
    // GPUs know of every other one only that it is what the batch before has chosen, and of the last that it has chosen none.
    std::vector<ingot_i32> known = ids, chosen;
    if (GetParam() == "cuda-emulated" && !c.positions) {
      for (size_t t = 1; t < ids.size(); t += 2) {
        known[t] = ~static_cast<ingot_i32>(chosen.size());
        chosen.push_back(ids[t]);
      }
      known.back() = ~static_cast<ingot_i32>(chosen.size());
      chosen.push_back(-1);
      ids.back() = 0;
      batch.token_ids = known.data();
      batch.chosen = chosen.data();
    }
    (*library)->at(i).run(batch, {plain ? dense.data() : table.bytes->data(), y.data()}, (*library)->at(i).tilesFor(batch.num_tokens));
    EXPECT_TRUE(y.guardsIntact());
    for (size_t t = 0; t < ids.size(); ++t)
      for (int64_t k = 0; k < stride; ++k) {
        double expected = k < c.k ? table.effective[static_cast<size_t>((ids[t] + c.offset) * c.k + k)] : 0;
        ASSERT_NEAR(y.as<float>()[static_cast<int64_t>(t) * stride + k], expected, 1e-6 * std::fabs(expected)) << "row " << t << " column " << k;
      }
  }
}

INGOT_FOR_EACH_TARGET(Rows);
INGOT_FOR_EACH_TARGET(Embedding);

}  // namespace
}  // namespace ingot::test
