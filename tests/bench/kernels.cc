// Kernels against their limits, one thread: weights and KV pages read (bytes/s), multiply-adds (ops/s), for this machine's
// own target, and the share of the machine's own speed in the same run (of_limit). Matrices are larger than the caches, so that one row
// reads memory and many rows compute; rows and rope_append stay in the caches, and may pass what memory gives.
//   bench_kernels [--benchmark_filter=linear]
#include <benchmark/benchmark.h>

#include "compiler/pack/format.h"
#include "kernels/kvcache/layout.h"
#include "kernels/linear/linear.spec.h"
#include "runtime/device/memory.h"
#include "runtime/exec/batch.h"
#include "tests/kernels/harness.h"
#include "tools/ingot/machine.h"

namespace ingot::test {
namespace {

std::unique_ptr<KernelLibrary> build(const KernelText& text) {
  auto library = KernelLibrary::build({text}, "native");
  if (!library.ok()) std::fprintf(stderr, "%s\n", library.status().message().c_str()), std::abort();
  return std::move(library).value();
}

// What one thread of this machine does at most.
struct Limits {
  double bytes = cli::readBandwidth(1), int8 = cli::int8Peak(1), float32 = cli::float32Peak(1);
};
const Limits& limits() {
  static const Limits measured;
  return measured;
}

// Of one run: the memory it touches, what it computes, and of_limit, the share of its time that the machine needs for the dearer of the two.
void report(benchmark::State& state, double bytes, double ops = 0, double peak = 0) {
  using benchmark::Counter;
  double least = std::max(bytes / limits().bytes, peak > 0 ? ops / peak : 0);
  state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate);
  if (ops > 0) state.counters["ops/s"] = Counter(ops, Counter::kIsIterationInvariantRate);
  state.counters["of_limit"] = Counter(least, Counter::kIsIterationInvariantRate);
}

void linear(benchmark::State& state, const std::string& format) {
  constexpr int64_t kN = 16384, kK = 4096;
  int64_t rows = state.range(0);
  StorageFormat storage = StorageFormat::parse(format).value();
  auto library = build(
      {"linear",
       fmt::format("n = {} : i64, k = {} : i64, format = \"{}\", sums = 1 : i64, result_group = 0 : i64, result_code = \"i8\", selected = false, "
                   "extras = \"\"",
                   kN, kK, format),
       ""});
  // Zeros take the time of any other weights.
  Memory weights = Memory::allocate(storage.bytes(kN, kK)).value();
  std::fill_n(weights.data(), weights.bytes(), std::byte{0});
  size_t rowBytes = static_cast<size_t>(isQuantized(storage.format) ? quantizedRowBytes(kK, storage.group, rowCodeOf(storage.format)) : kK * 4);
  std::vector<std::byte> x(rowBytes * static_cast<size_t>(rows));
  Poisoned y(static_cast<size_t>(rows * kN) * 4);
  IngotBatch batch{};
  batch.num_tokens = static_cast<ingot_i32>(rows);
  const Kernel& kernel = library->at(0);
  for (auto _ : state) kernel.run(batch, {x.data(), weights.data(), y.data()}, kernel.tilesFor(1));
  report(state, static_cast<double>(weights.bytes() + rowBytes * static_cast<size_t>(rows) + y.bytes()), 2.0 * static_cast<double>(rows * kN * kK),
         unpacksToBytes(storage.format) ? limits().int8 : limits().float32);
}

void rows(benchmark::State& state) {
  constexpr int64_t kColumns = 4096, kRows = 16;
  auto library =
      build({"rows",
             fmt::format("columns = {} : i64, norm = \"rms\", eps = 1.0e-5 : f64, bias = false, group = {} : i64, code = \"i8\", select = false, "
                         "selected = false, extras = \"\"",
                         kColumns, state.range(0)),
             ""});
  std::vector<float> x(kRows * kColumns, 1.0f), weight(kColumns, 1.0f), y(kRows * kColumns);
  IngotBatch batch{};
  batch.num_tokens = kRows;
  for (auto _ : state) library->at(0).run(batch, {x.data(), weight.data(), y.data()}, kRows);
  report(state, kRows * kColumns * 8.0);
}

// Rows of a table of blocks of 16 channels: a row touches every line of its block.
void embedding(benchmark::State& state) {
  constexpr int64_t kN = 128256, kK = 2048, kRows = 16;
  StorageFormat storage = StorageFormat::parse("i8g32").value();
  auto library = build({"embedding", fmt::format("n = {} : i64, k = {} : i64, format = \"i8g32\", offset = 0 : i64, positions = false", kN, kK), ""});
  Memory table = Memory::allocate(storage.bytes(kN, kK)).value();
  std::fill_n(table.data(), table.bytes(), std::byte{0});
  Poisoned y(kRows * kK * 4);
  std::vector<int32_t> ids(kRows);
  IngotBatch batch{};
  batch.num_tokens = kRows;
  batch.token_ids = ids.data();
  int32_t next = 0;
  for (auto _ : state) {
    for (int32_t& id : ids) id = (next += 7919) % kN;
    library->at(0).run(batch, {table.data(), y.data()}, kRows);
  }
  report(state, kRows * static_cast<double>(blockBytes(storage.format, kK, storage.group)) + static_cast<double>(y.bytes()));
}

// 32 query heads over 8, of 64 columns, into pages of f16.
void ropeAppend(benchmark::State& state) {
  constexpr int kHeads = 32, kKvHeads = 8, kHeadDim = 64, kTokens = 16, kRow = (kHeads + 2 * kKvHeads) * kHeadDim;
  auto library =
      build({"rope_append",
             fmt::format("layers = 1 : i64, heads = {} : i64, kv_heads = {} : i64, head_dim = {} : i64, cache = \"f16\", rotary = {} : i64, "
                         "head_norm = false, eps = 1.0e-5 : f64",
                         kHeads, kKvHeads, kHeadDim, kHeadDim),
             ""});
  Batch batch({.tokens = kTokens, .sequences = 1, .rows = 1, .pagesPerSequence = 1, .queryBlock = kQueryBlock});
  std::vector<int32_t> ids(kTokens), pages(1);
  batch.add(ids, 0, 0, pages);
  std::vector<float> qkv(kTokens * kRow, 1.0f), angles(kTokens * kHeadDim, 0.5f), q(kTokens * kHeads * kHeadDim);
  auto half = static_cast<size_t>(layerElements(CacheType::f16, kKvHeads, kHeadDim)) * 2;
  Poisoned page(2 * half);
  char* keys = page.as<char>();
  for (auto _ : state) library->at(0).run(batch.view(), {qkv.data(), angles.data(), keys, keys + half, q.data()}, kTokens);
  report(state, kTokens * (4.0 * kRow + 4.0 * kHeadDim + 4.0 * kHeads * kHeadDim) + 2.0 * static_cast<double>(half));
}

// One step of one sequence: range(0) tokens of context, range(1) new ones. 32 query heads over 8, of 64 columns, f16.
void attention(benchmark::State& state) {
  constexpr int kHeads = 32, kKvHeads = 8, kHeadDim = 64;
  auto context = static_cast<int32_t>(state.range(0)), added = static_cast<int32_t>(state.range(1));
  auto library =
      build({"attention",
             fmt::format("layers = 1 : i64, heads = {} : i64, kv_heads = {} : i64, head_dim = {} : i64, cache = \"f16\", scale = 0.125 : f64, "
                         "window = 0 : i64, softcap = 0.0 : f64, result_group = 0 : i64",
                         kHeads, kKvHeads, kHeadDim),
             ""});
  int32_t pages = (context + added + 15) / 16;
  Batch batch({.tokens = added, .sequences = 1, .rows = 1, .pagesPerSequence = pages, .queryBlock = kQueryBlock});
  std::vector<int32_t> ids(static_cast<size_t>(added)), table;
  for (int32_t page = 0; page < pages; ++page) table.push_back(page);
  batch.add(ids, context, 0, table);
  auto half = static_cast<size_t>(layerElements(CacheType::f16, kKvHeads, kHeadDim)) * 2;
  Memory pool = Memory::allocate(2 * half * static_cast<size_t>(pages)).value();
  std::fill_n(pool.data(), pool.bytes(), std::byte{0});
  std::vector<float> q(static_cast<size_t>(added) * kHeads * kHeadDim, 1.0f), y(q.size());
  const Kernel& kernel = library->at(0);
  for (auto _ : state) kernel.run(batch.view(), {q.data(), pool.data(), pool.data() + half, y.data()}, kernel.tilesFor(batch.view().num_blocks));
  double seen = static_cast<double>(added) * context + added * (added + 1) / 2.0;
  report(state, static_cast<double>(pool.bytes()), 4.0 * seen * kHeads * kHeadDim, limits().float32);
}

BENCHMARK_CAPTURE(linear, f32, std::string("f32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, bf16, std::string("bf16"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, f16, std::string("f16"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, i8g32, std::string("i8g32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, f8g128, std::string("f8g128"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, i4g32, std::string("i4g32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, i4mg32, std::string("i4mg32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK(rows)->Name("rows")->Arg(0)->Arg(32);
BENCHMARK(embedding)->Name("embedding");
BENCHMARK(ropeAppend)->Name("rope_append");
BENCHMARK(attention)->Name("attention")->Args({1024, 1})->Args({8192, 1})->Args({0, 512});

}  // namespace
}  // namespace ingot::test

BENCHMARK_MAIN();
