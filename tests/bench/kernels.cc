// Kernels against their limits, one thread: weights and KV pages read (bytes/s), multiply-adds (ops/s), for this machine's
// own target. Matrices are larger than the caches, so that one row reads memory and many rows compute.
//   bench_kernels [--benchmark_filter=linear]
#include <benchmark/benchmark.h>

#include "compiler/pack/format.h"
#include "kernels/kvcache/layout.h"
#include "runtime/exec/batch.h"
#include "tests/kernels/harness.h"

namespace ingot::test {
namespace {

std::unique_ptr<KernelLibrary> build(const KernelText& text) {
  auto library = KernelLibrary::build({text}, "native");
  if (!library.ok()) std::fprintf(stderr, "%s\n", library.status().message().c_str()), std::abort();
  return std::move(library).value();
}

void linear(benchmark::State& state, const std::string& format) {
  constexpr int64_t kN = 16384, kK = 4096;
  int64_t rows = state.range(0);
  StorageFormat storage = StorageFormat::parse(format).value();
  auto library =
      build({"linear",
             fmt::format("n = {} : i64, k = {} : i64, format = \"{}\", sums = 1 : i64, result_group = 0 : i64, selected = false, extras = \"\"", kN,
                         kK, format),
             ""});
  // Zeros take the time of any other weights.
  std::vector<std::byte> weights(storage.bytes(kN, kK));
  size_t rowBytes = static_cast<size_t>(isQuantized(storage.format) ? quantizedRowBytes(kK, storage.group) : kK * 4);
  std::vector<std::byte> x(rowBytes * static_cast<size_t>(rows));
  Poisoned y(static_cast<size_t>(rows * kN) * 4);
  IngotBatch batch{};
  batch.num_tokens = static_cast<ingot_i32>(rows);
  const Kernel& kernel = library->at(0);
  for (auto _ : state) kernel.run(batch, {x.data(), weights.data(), y.data()}, kernel.unit.tiles);
  auto runs = static_cast<int64_t>(state.iterations());
  state.SetBytesProcessed(runs * static_cast<int64_t>(weights.size()));
  state.counters["ops/s"] = benchmark::Counter(2.0 * static_cast<double>(rows * kN * kK), benchmark::Counter::kIsIterationInvariantRate);
}

void rows(benchmark::State& state) {
  constexpr int64_t kColumns = 4096, kRows = 16;
  auto library = build({"rows",
                        fmt::format("columns = {} : i64, norm = \"rms\", eps = 1.0e-5 : f64, bias = false, group = {} : i64, select = false, "
                                    "selected = false, extras = \"\"",
                                    kColumns, state.range(0)),
                        ""});
  std::vector<float> x(kRows * kColumns, 1.0f), weight(kColumns, 1.0f), y(kRows * kColumns);
  IngotBatch batch{};
  batch.num_tokens = kRows;
  for (auto _ : state) library->at(0).run(batch, {x.data(), weight.data(), y.data()}, kRows);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * kRows * kColumns * 4);
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
  auto half = static_cast<size_t>(layerElements(kKvHeads, kHeadDim)) * 2;
  std::vector<std::byte> pool(2 * half * static_cast<size_t>(pages));
  std::vector<float> q(static_cast<size_t>(added) * kHeads * kHeadDim, 1.0f), y(q.size());
  const Kernel& kernel = library->at(0);
  for (auto _ : state) kernel.run(batch.view(), {q.data(), pool.data(), pool.data() + half, y.data()}, batch.view().num_blocks * kernel.unit.tiles);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * pool.size()));
  double seen = static_cast<double>(added) * context + added * (added + 1) / 2.0;
  state.counters["ops/s"] = benchmark::Counter(4.0 * seen * kHeads * kHeadDim, benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK_CAPTURE(linear, f32, std::string("f32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, bf16, std::string("bf16"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, f16, std::string("f16"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, i8g32, std::string("i8g32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, i4g32, std::string("i4g32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK_CAPTURE(linear, i4mg32, std::string("i4mg32"))->Arg(1)->Arg(8)->Arg(480);
BENCHMARK(rows)->Name("rows")->Arg(0)->Arg(32);
BENCHMARK(attention)->Name("attention")->Args({1024, 1})->Args({8192, 1})->Args({0, 512});

}  // namespace
}  // namespace ingot::test

BENCHMARK_MAIN();
