// linear against plain loops: every weight format, sizes at every edge, every body; and the same bits for a row alone,
// in a batch, backwards, on threads, and by the kernel for many rows.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/pack/format.h"
#include "kernels/ref/activation.h"
#include "kernels/ref/linear.h"
#include "kernels/ref/quantize.h"
#include "runtime/base/dtype.h"
#include "tests/kernels/harness.h"

namespace ingot::test {
namespace {

// A body in MLIR and as a function of its sums, a value per column and a value per element.
struct Body {
  const char *extras, *text;
  int sums;
  double (*apply)(const double* sums, double column, double element);
};
const Body kNone = {"", "", 1, [](const double* s, double, double) { return s[0]; }};
const Body kBiasResidual = {"ce",
                            "^bb0(%s: f32, %c: f32, %e: f32):\n %0 = llm.add %s, %c : (f32, f32) -> f32\n"
                            " %1 = llm.add %0, %e : (f32, f32) -> f32\n llm.yield %1 : f32",
                            1, [](const double* s, double c, double e) { return s[0] + c + e; }};
const Body kGated = {"",
                     "^bb0(%a: f32, %b: f32):\n %0 = llm.activation silu %a : f32\n"
                     " %1 = llm.mul %0, %b : (f32, f32) -> f32\n llm.yield %1 : f32",
                     2, [](const double* s, double, double) { return ref::silu(s[0]) * s[1]; }};
const Body kGelu = {"c",
                    "^bb0(%s: f32, %c: f32):\n %0 = llm.add %s, %c : (f32, f32) -> f32\n"
                    " %1 = llm.activation gelu %0 : f32\n llm.yield %1 : f32",
                    1, [](const double* s, double c, double) { return ref::gelu(s[0] + c); }};
const Body kGeluTanhCapped = {"", "^bb0(%s: f32):\n %0 = llm.activation gelu_tanh %s : f32\n %1 = llm.softcap %0 at 2.5 : f32\n llm.yield %1 : f32",
                              1, [](const double* s, double, double) { return ref::softcap(ref::geluTanh(s[0]), 2.5); }};
const Body kReluScaled = {"", "^bb0(%s: f32):\n %0 = llm.activation relu %s : f32\n %1 = llm.scale %0 by 0.625 : f32\n llm.yield %1 : f32", 1,
                          [](const double* s, double, double) { return ref::relu(s[0]) * 0.625; }};

struct Case {
  std::string format;
  int64_t n, k;
  const Body* body = &kNone;
  bool selected = false;
  int64_t resultGroup = 0;  // 0: f32 rows
  RowCode resultCode = RowCode::i8;
  bool narrow = false, narrowResult = false;  // rows of f16
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* format : {"f32", "bf16", "f16", "i8g32", "i4g32", "i4mg32", "i4g64", "i8g16", "f8g32", "f8g64"}) {
    int64_t least = std::string(format).ends_with("g64") ? 64 : 32;
    all.insert(all.end(), {{format, 16, least},
                           {format, 17, 64, &kBiasResidual},
                           {format, 31, 576, &kGelu},
                           {format, 32, 64, &kReluScaled, true},
                           {format, 33, least, &kGeluTanhCapped},
                           {format, 48, 192, &kBiasResidual, true},
                           {format, 96, 64, &kGated}});
  }
  all.insert(all.end(), {{"f32", 1, 1}, {"f16", 15, 7}, {"bf16", 47, 34}, {"i8g128", 48, 256}, {"i4mg16", 20, 48}, {"i8g32", 32, 576, &kGated}});
  // More columns than a stretch; quantised results of one and of several panels.
  all.insert(all.end(), {{"i4g32", 48, 1312}, {"i4mg32", 32, 672, &kGated}, {"f32", 32, 301}, {"bf16", 32, 258}});
  all.insert(all.end(), {{"i4g32", 192, 64, &kGated, false, 32},
                         {"i4mg32", 96, 64, &kBiasResidual, false, 32},
                         {"i8g32", 48, 64, &kNone, true, 16},
                         {"f16", 128, 33, &kGelu, false, 64},
                         {"i8g32", 512, 32, &kGated, false, 128}});
  all.insert(all.end(), {{"f8g128", 48, 384, &kBiasResidual},
                         {"f8g128", 33, 128, &kGelu, true},
                         {"f8g32", 20, 1312, &kNone},
                         {"f8g64", 256, 64, &kGated, false, 128, RowCode::f8},
                         {"f8g128", 96, 256, &kBiasResidual, true, 32, RowCode::f8},
                         {"bf16", 128, 34, &kNone, false, 64, RowCode::f8}});
  return all;
}

// What the CUDA kernels for many rows take: several tiles of channels, runs of several stages and of one, fewer runs than usual. A few,
// since both kernels of a case take seconds to compile.
std::vector<Case> manyRowsCases() {
  return {{"bf16", 200, 576, &kBiasResidual},
          {"bf16", 160, 192, &kGated},
          {"bf16", 48, 48},
          {"bf16", 384, 64, &kGated, false, 16},
          {"f16", 200, 576, &kBiasResidual},
          {"f16", 144, 1152, &kGelu, true},
          {"f16", 200, 576, &kBiasResidual, false, 0, RowCode::i8, true},
          {"f16", 448, 192, &kGated, false, 0, RowCode::i8, true, true},
          {"f16", 47, 1104, &kNone, true, 0, RowCode::i8, true},
          {"f16", 4288, 48, &kNone, false, 0, RowCode::i8, true},
          {"f16", 8512, 32, &kGated, false, 0, RowCode::i8, true, true},
          {"f16", 272, 1856, &kBiasResidual, false, 0, RowCode::i8, true},  // tiles are stored beside the next ones' products
          {"f16", 256, 4608, &kGated, false, 0, RowCode::i8, true, true},   // and go on behind that
          {"i8g32", 200, 576, &kBiasResidual},
          {"i8g64", 192, 128, &kGelu, false, 64},
          {"i4g32", 448, 128, &kGated, false, 32},
          {"i4g64", 16, 64},
          {"i4mg32", 160, 192, &kGated},
          {"i8g32", 40, 2080, &kBiasResidual},
          {"i4g32", 136, 1056, &kGelu, true},
          {"i8g128", 144, 1152},
          {"i4g64", 256, 320, &kGated, false, 64},
          {"i4mg64", 272, 1216, &kBiasResidual},
          {"i4mg128", 80, 2304, &kNone, true, 16},
          {"f8g32", 200, 576, &kBiasResidual},
          {"f8g64", 192, 192, &kGated},
          {"f8g128", 144, 1152, &kGelu, true},
          {"f8g128", 160, 384, &kNone, false, 32, RowCode::f8}};
}

// A compile takes a third of a second: x86-64-v3 and aarch64 take every case, others the ones in which they differ, and
// emulated ones a few of those.
bool takes(const std::string& target, const Case& c, size_t i) {
  auto has = [&](const char* feature) { return target.find(feature) != std::string::npos; };
  bool isQuantized = c.format.find('g') != std::string::npos;
  if (target == "cuda-emulated") return i % 3 == 0;  // a tile takes its time
  if (isEmulated(target)) return has("i8mm") ? i % 18 == 13 : has("dotprod") ? isQuantized && i % 12 == 10 : i % 9 == 0;
  if (has("bf16")) return c.format == "bf16" && i % 2;
  if (has("vnni") || has("dotprod")) return isQuantized && i % 3 == 1;
  return target != "x86-64-v4" || i % 5 == 0;
}

std::vector<Case> casesOf(const std::string& target) {
  std::vector<Case> all = cases(), chosen;
  for (size_t i = 0; i < all.size(); ++i)
    if (takes(target, all[i], i)) chosen.push_back(all[i]);
  return chosen;
}

KernelText textOf(const Case& c) {
  return {"linear",
          fmt::format("n = {} : i64, k = {} : i64, format = \"{}\", sums = {} : i64, result_group = {} : i64, result_code = \"{}\", selected = {}, "
                      "extras = \"{}\"",
                      c.n, c.k, c.format, c.body->sums, c.resultGroup, c.resultCode == RowCode::f8 ? "f8" : "i8", c.selected, c.body->extras) +
              (c.narrow ? ", narrow" : "") + (c.narrowResult ? ", narrow_result" : ""),
          c.body->text};
}

// A case with its operands for up to `rows` rows.
class Problem {
 public:
  Problem(Random& random, const Case& c, int64_t rows, const std::string& target)
      : c_(c),
        rounds_(target == "cuda-emulated" && c.format == "f16" && c.k % 16 == 0),
        columns_(c.n / c.body->sums),
        stride_(paddedColumns(columns_)),
        weights_(packRandom(random, c.format, c.n, c.k)),
        storage_(StorageFormat::parse(c.format).value()),
        values_(widen(random.normals(static_cast<size_t>(rows * c.k)))),
        bias_(static_cast<size_t>(stride_) * 4),
        residual_(static_cast<size_t>(rows * stride_) * 4),
        x_(static_cast<size_t>(rows) * rowBytes()) {
    for (int64_t i = 0; i < stride_; ++i) bias_.as<float>()[i] = i < columns_ ? random.normal() : 0;  // which NaN padding gives is open
    for (int64_t i = 0; i < rows * stride_; ++i) residual_.as<float>()[i] = random.normal();
    for (int64_t r = 0; r < rows; ++r) storeRow(r);
  }

  size_t rowBytes() const {
    return static_cast<size_t>(isQuantized(storage_.format) ? quantizedRowBytes(c_.k, storage_.group, rowCodeOf(storage_.format))
                                                            : paddedColumns(c_.k) * (c_.narrow ? 2 : 4));
  }
  int64_t stride() const { return stride_; }

  // Rows [first, first + count) through the kernel, as runner does it.
  template <class Runner>
  std::vector<float> compute(const Kernel& kernel, int64_t first, int64_t count, Runner runner) {
    auto resultBytes = static_cast<size_t>(c_.resultGroup ? quantizedRowBytes(columns_, static_cast<int>(c_.resultGroup), c_.resultCode)
                                                          : stride_ * (c_.narrowResult ? 2 : 4));
    Poisoned y(static_cast<size_t>(count) * resultBytes);
    std::vector<void*> operands = {x_.as<char>() + static_cast<size_t>(first) * rowBytes(), weights_.bytes->data()};
    for (const char* kind = c_.body->extras; *kind; ++kind) operands.push_back(*kind == 'c' ? bias_.data() : residual_.as<float>() + first * stride_);
    operands.push_back(y.data());
    IngotBatch batch{};
    (c_.selected ? batch.num_rows : batch.num_tokens) = static_cast<ingot_i32>(count);
    runner(kernel, batch, operands, kernel.tilesFor(count));
    EXPECT_TRUE(y.guardsIntact());
    std::vector<float> values;
    if (c_.narrowResult) {
      for (int64_t i = 0; i < count * stride_; ++i) values.push_back(f16ToFloat(y.as<uint16_t>()[i]));
      return values;
    }
    if (!c_.resultGroup) return {y.as<float>(), y.as<float>() + count * stride_};
    for (int64_t r = 0; r < count; ++r) {
      appendQuantizedRow(y.as<char>() + static_cast<size_t>(r) * resultBytes, columns_, c_.resultGroup, values, c_.resultCode);
      values.resize(static_cast<size_t>((r + 1) * stride_));
    }
    return values;
  }

  void expectClose(const std::vector<float>& y, int64_t rows) const {
    for (int64_t r = 0; r < rows; ++r) {
      double norm = 0;
      std::vector<double> expected, tolerances;
      for (int64_t k = 0; k < c_.k; ++k) norm += std::fabs(values_[static_cast<size_t>(r * c_.k + k)]);
      for (int64_t n = 0; n < columns_; ++n) {
        double sums[2] = {}, largest = 0;
        for (int which = 0; which < c_.body->sums; ++which) {
          int64_t channel = c_.body->sums == 1 ? n : ref::interleavedChannel(n, which, 2);
          const double* w = &weights_.effective[static_cast<size_t>(channel * c_.k)];
          ref::linear(&values_[static_cast<size_t>(r * c_.k)], 1, c_.k, w, 1, &sums[which]);
          for (int64_t k = 0; k < c_.k; ++k) largest = std::fmax(largest, std::fabs(w[k]));
        }
        expected.push_back(c_.body->apply(sums, bias_at(n), residual_at(r, n)));
        tolerances.push_back(1.2e-7 * ((8 + 2 * std::sqrt(static_cast<double>(c_.k))) * norm * largest * (1.2 + std::fabs(sums[1])) +
                                       8 * (1 + std::fabs(expected.back()))));
      }
      for (int64_t n = 0; n < columns_; ++n) {
        auto at = static_cast<size_t>(n);
        double found = y[static_cast<size_t>(r * stride_) + at];
        ASSERT_LE(std::fabs(found - expected[at]), 2 * tolerances[at] +
                                                       (c_.resultGroup ? halfStep(expected.data(), n, c_.resultGroup, c_.resultCode) : 0) +
                                                       (c_.narrowResult ? std::fabs(expected[at]) * 0x1p-11 : 0))
            << c_.format << " n=" << c_.n << " k=" << c_.k << " row " << r << " column " << n << ": " << found << ", expected " << expected[at];
      }
    }
  }

 private:
  double bias_at(int64_t n) const { return const_cast<Poisoned&>(bias_).as<float>()[n]; }
  double residual_at(int64_t r, int64_t n) const { return const_cast<Poisoned&>(residual_).as<float>()[r * stride_ + n]; }

  // The row as the kernel reads it; values_ then holds what it stands for.
  void storeRow(int64_t r) {
    char* row = x_.as<char>() + static_cast<size_t>(r) * rowBytes();
    double* values = &values_[static_cast<size_t>(r * c_.k)];
    if (!isQuantized(storage_.format)) {
      for (int64_t k = 0; k < c_.k; ++k) {
        auto value = static_cast<float>(values[k]);
        if (c_.narrow) reinterpret_cast<uint16_t*>(row)[k] = floatToF16(value);
        else reinterpret_cast<float*>(row)[k] = value;
        if (rounds_) values[k] = f16ToFloat(floatToF16(value));
      }
      return;
    }
    int64_t group = storage_.group, groups = c_.k / group;
    for (int64_t g = 0; g < groups; ++g) {
      std::vector<float> part(values + g * group, values + (g + 1) * group), codes(part.size());
      float& scale = reinterpret_cast<float*>(row + c_.k)[g];
      RowCode code = rowCodeOf(storage_.format);
      ref::quantizeGroup(part.data(), group, codes.data(), scale, code);
      float sum = 0;
      for (int64_t i = 0; i < group; ++i) {
        float value = codes[static_cast<size_t>(i)];
        row[g * group + i] = code == RowCode::f8 ? static_cast<char>(floatToF8(value)) : static_cast<char>(value);
        sum += value;
        values[g * group + i] = double{scale} * double{value};
      }
      if (code == RowCode::i8) reinterpret_cast<int*>(row + c_.k + 4 * groups)[g] = static_cast<int>(sum);
    }
  }

  const Case& c_;
  const bool rounds_;  // tensor cores take such rows as f16
  int64_t columns_, stride_;
  PackedWeights weights_;
  StorageFormat storage_;
  std::vector<double> values_;
  Poisoned bias_, residual_, x_;

  // random.normals gives floats; the oracle works in double.
  static std::vector<double> widen(const std::vector<float>& values) { return {values.begin(), values.end()}; }
};

class Linear : public ::testing::TestWithParam<std::string> {};

TEST_P(Linear, MatchesPlainLoopsAndKeepsItsBits) {
  if (!canRun(GetParam())) GTEST_SKIP() << "neither this machine nor an installed emulator runs " << GetParam();
  Random random(1);
  std::vector<Case> all = casesOf(GetParam());
  std::vector<KernelText> texts;
  for (const Case& c : all) texts.push_back(textOf(c));
  auto library = KernelLibrary::build(texts, GetParam(), {.emulated = std::string(kWithoutLarger)});  // they have a test of their own
  ASSERT_TRUE(library.ok()) << library.status().message();
  auto host = isEmulated(GetParam()) ? buildForHost(texts) : nullptr;
  std::vector<int64_t> counts = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 97};
  if (isEmulated(GetParam())) counts = {1, 3, 7};
  if (GetParam() == "cuda-emulated") counts = {1, 7, 8, 9, 17, 97};
  constexpr int64_t kMost = 101;  // more than a strip
  auto forwards = [](const Kernel& k, auto&&... rest) { k.run(rest...); };
  for (size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(texts[i].constants);
    const Kernel& kernel = (*library)->at(i);
    Problem problem(random, all[i], kMost, GetParam());
    auto stride = static_cast<size_t>(problem.stride());
    std::vector<float> whole = problem.compute(kernel, 0, kMost, forwards);
    problem.expectClose(whole, kMost);
    if (HasFatalFailure()) return;
    auto sameBits = [&](const std::vector<float>& part, int64_t first) {
      return std::memcmp(part.data(), whole.data() + static_cast<size_t>(first) * stride, part.size() * 4) == 0;
    };
    if (host) {
      EXPECT_TRUE(sameBits(problem.compute(host->at(i), 0, kMost, forwards), 0)) << "other bits than on this machine";
    }
    for (int64_t rows : counts)
      for (int64_t first : {int64_t{0}, kMost - rows})
        EXPECT_TRUE(sameBits(problem.compute(kernel, first, rows, forwards), first)) << rows << " rows from " << first;
    EXPECT_TRUE(sameBits(problem.compute(kernel, 0, kMost, [](const Kernel& k, auto&&... rest) { k.runBackwards(rest...); }), 0));
    EXPECT_TRUE(sameBits(problem.compute(kernel, 0, kMost, [](const Kernel& k, auto&&... rest) { k.runOnThreads(rest..., 3); }), 0));
  }
}

INGOT_FOR_EACH_TARGET(Linear);

class LinearForManyRows : public ::testing::TestWithParam<std::string> {};

// All kernels of a CUDA step, and rows on both sides of every tile's edge.
TEST_P(LinearForManyRows, HaveTheBitsOfTheOneForFew) {
  Random random(3);
  const std::string target = "cuda-emulated";
  std::vector<Case> all = manyRowsCases();
  if (GetParam() != "sm_90a") std::erase_if(all, [](const Case& c) { return c.format[0] != 'i'; });  // others are the same kernels
  std::vector<KernelText> texts;
  for (const Case& c : all) texts.push_back(textOf(c));
  auto library = KernelLibrary::build(texts, target, {.largerRows = 17, .emulated = GetParam()});
  ASSERT_TRUE(library.ok()) << library.status().message();
  EXPECT_TRUE(GetParam() != "sm_90a" || (*library)->larger().size() > all.size()) << "several shapes of some";
  constexpr int64_t kMost = 260;  // a whole tile of the most rows, and a shorter one
  auto forwards = [](const Kernel& k, auto&&... rest) { k.run(rest...); };
  for (const auto& [i, larger] : (*library)->larger()) {
    SCOPED_TRACE(texts[i].constants);
    EXPECT_GT(larger.code.leastRows, 16);
    Problem problem(random, all[i], kMost, target);
    auto stride = static_cast<size_t>(problem.stride());
    std::vector<float> whole = problem.compute((*library)->at(i), 0, kMost, forwards);
    problem.expectClose(whole, kMost);
    if (HasFatalFailure()) return;
    auto sameBits = [&](const std::vector<float>& part, int64_t first) {
      return std::memcmp(part.data(), whole.data() + static_cast<size_t>(first) * stride, part.size() * 4) == 0;
    };
    for (int64_t rows : {193, 1, 32, 33, 64, 65, 97, 129}) {
      EXPECT_TRUE(sameBits(problem.compute(larger, kMost - rows, rows, forwards), kMost - rows)) << rows;
      if (all[i].k > 4096) break;  // they take their time
    }
    EXPECT_TRUE(sameBits(problem.compute(larger, 0, kMost, [](const Kernel& k, auto&&... rest) { k.runBackwards(rest...); }), 0));
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, LinearForManyRows, ::testing::Values("sm_80", "sm_90a"), [](const auto& info) { return info.param; });

// Rounding to a format moves a weight by at most half a step of it.
// Root mean square of the error over the largest weight: a step of 2 / 15 of it gives 0.038 for four bits.
TEST(Pack, StaysCloseToTheWeights) {
  Random random(2);
  for (auto [format, share] : {std::pair{"f32", 0.0},
                               {"f16", 2e-4},
                               {"bf16", 1.5e-3},
                               {"i8g32", 2.5e-3},
                               {"i8g16", 2.5e-3},
                               {"f8g32", 1.2e-2},
                               {"i4g32", 0.045},
                               {"i4mg32", 0.04}}) {
    PackedWeights weights = packRandom(random, format, 37, 64);
    double largest = 0, square = 0;
    for (size_t i = 0; i < weights.original.size(); ++i) {
      largest = std::fmax(largest, std::fabs(weights.original[i]));
      square += std::pow(weights.original[i] - weights.effective[i], 2);
    }
    EXPECT_LE(std::sqrt(square / static_cast<double>(weights.original.size())), share * largest) << format;
  }
}

}  // namespace
}  // namespace ingot::test
