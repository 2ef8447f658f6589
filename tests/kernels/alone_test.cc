// linear that normalises its row itself against rows and linear one after the other: the same bits.
#include <gtest/gtest.h>

#include "tests/kernels/harness.h"

namespace ingot::test {
namespace {

struct Case {
  const char *format, *norm;
  int64_t n, k;
  bool bias = false, select = false, gated = false;
  int64_t resultGroup = 0;
};
const Case kCases[] = {
    {"f32", "layer", 33, 1040, true},
    {"f16", "layer", 20, 2064, true, true},
    {"f16", "rms", 4240, 32},  // two blocks of channels a tile
    {"bf16", "layer", 48, 576, false, true},
    {"i4g32", "rms", 192, 1056, false, false, true, 32},
    {"i4mg64", "layer", 33, 192, true, true},
    {"f8g128", "rms", 48, 640},
    {"f8g64", "layer", 256, 64, true, false, true, 64},
};

bool isFloat(const Case& c) { return std::string_view(c.format).find('g') == std::string_view::npos; }
bool isFloat8(const Case& c) { return std::string_view(c.format).starts_with("f8"); }
bool isNarrow(const Case& c) { return c.format == std::string_view("f16"); }
int64_t groupOf(const Case& c) { return isFloat(c) ? 0 : std::stoll(std::string(c.format).substr(std::string_view(c.format).find('g') + 1)); }

std::vector<KernelText> textsOf(const Case& c) {
  std::string_view code = isFloat8(c) ? "f8" : "i8";
  std::string norm = fmt::format(
      "columns = {} : i64, norm = \"{}\", eps = 1.0e-5 : f64, bias = {}, group = {} : i64, code = \"{}\", select = {}, selected = false, extras = "
      "\"\"{}",
      c.k, c.norm, c.bias, groupOf(c), code, c.select, isNarrow(c) ? ", narrow_result" : "");
  std::string linear = fmt::format(
      "format = \"{}\", n = {} : i64, k = {} : i64, sums = {} : i64, result_group = {} : i64, result_code = \"{}\", selected = {}, extras = \"{}\"{}",
      c.format, c.n, c.k, c.gated ? 2 : 1, c.resultGroup, code, c.select, c.gated ? "" : "e", isNarrow(c) ? ", narrow" : "");
  std::string body =
      c.gated ? "^bb0(%a: f32, %b: f32):\n %0 = llm.activation silu %a : f32\n %1 = llm.mul %0, %b : (f32, f32) -> f32\n llm.yield %1 : f32"
              : "^bb0(%s: f32, %e: f32):\n %0 = llm.add %s, %e : (f32, f32) -> f32\n llm.yield %0 : f32";
  return {{"rows", norm, ""}, {"linear", linear, body}, {"linear", linear + ", before = {" + norm + "}", body}};
}

// What kernels of one case read and write.
struct Memory {
  Poisoned x, weight, bias, extra, row, y;
  PackedWeights matrix;

  static size_t rowBytes(int64_t columns, int64_t group, const Case& c) {
    return static_cast<size_t>(group ? quantizedRowBytes(columns, static_cast<int>(group), isFloat8(c) ? RowCode::f8 : RowCode::i8)
                                     : paddedColumns(columns) * 4);
  }
  Memory(Random& random, const Case& c)
      : x(static_cast<size_t>(paddedColumns(c.k)) * 4),
        weight(x.bytes()),
        bias(x.bytes()),
        extra(static_cast<size_t>(paddedColumns(c.n)) * 4),
        row(rowBytes(c.k, groupOf(c), c)),
        y(rowBytes(c.gated ? c.n / 2 : c.n, c.resultGroup, c)),
        matrix(packRandom(random, c.format, c.n, c.k)) {
    for (Poisoned* one : {&x, &weight, &bias})
      for (int64_t i = 0; i < c.k; ++i) one->as<float>()[i] = random.normal();
    for (int64_t i = 0; i < c.n; ++i) extra.as<float>()[i] = random.normal();
  }
};

TEST(LinearAlone, OneKernelDoesBoth) {
  std::vector<KernelText> texts;
  for (const Case& c : kCases)
    for (KernelText& text : textsOf(c)) texts.push_back(std::move(text));
  auto library = KernelLibrary::build(texts, "cuda-emulated");
  ASSERT_TRUE(library.ok()) << library.status().message();
  Random random(8);
  for (size_t i = 0; i < std::size(kCases); ++i) {
    const Case& c = kCases[i];
    SCOPED_TRACE(texts[3 * i + 2].constants);
    Memory m(random, c);
    ingot_i32 first = 0;
    IngotBatch batch{};
    batch.num_tokens = batch.num_rows = 1;
    batch.rows = &first;
    std::vector<void*> norm = {m.x.data(), m.weight.data()}, linear = {m.matrix.bytes->data()};
    if (c.bias) norm.push_back(m.bias.data());
    if (!c.gated) linear.push_back(m.extra.data());
    linear.push_back(m.y.data());
    auto run = [&](const Kernel& kernel, std::vector<void*> operands, const std::vector<void*>& more) {
      operands.insert(operands.end(), more.begin(), more.end());
      kernel.runBackwards(batch, operands, kernel.tilesFor(1));
    };
    run((*library)->at(3 * i), norm, {m.row.data()});
    run((*library)->at(3 * i + 1), {m.row.data()}, linear);
    std::vector<char> expected(m.y.as<char>(), m.y.as<char>() + m.y.bytes());
    m.y.poison();
    m.row.poison();
    run((*library)->at(3 * i + 2), norm, linear);
    EXPECT_TRUE(m.y.guardsIntact());
    EXPECT_EQ(std::memcmp(m.y.data(), expected.data(), expected.size()), 0);
    EXPECT_NE(std::count(expected.begin(), expected.end(), '\xff'), static_cast<std::ptrdiff_t>(expected.size())) << "nothing was written";
  }
}

}  // namespace
}  // namespace ingot::test
