// Drawing a token and reading log-probabilities off rows of 49152 and 128256 logits:
//   bench_sampling [--benchmark_...]
// "sharp" rows are as chat models have them: a few ids over a broad rest; in "flat" ones nearly all of the vocabulary is kept.
#include <benchmark/benchmark.h>

#include <random>

#include "runtime/sample/logprobs.h"
#include "runtime/sample/sampler.h"

namespace ingot {
namespace {

std::vector<float> logitsOf(int64_t vocab, bool isFlat) {
  std::mt19937_64 engine(1);
  std::normal_distribution<float> normal(0, isFlat ? 1.0f : 2.5f);
  std::vector<float> logits(static_cast<size_t>(vocab));
  for (float& logit : logits) logit = normal(engine);
  for (int i = 0; i < 8 && !isFlat; ++i) logits[engine() % logits.size()] = 19 - 0.4f * static_cast<float>(i);
  return logits;
}

void drawing(benchmark::State& state, SamplerSettings settings, bool isFlat) {
  auto logits = logitsOf(state.range(0), isFlat);
  SamplerScratch scratch;
  double u = 0;
  for (auto _ : state) {
    u = u < 0.9 ? u + 0.0618 : 0.01;
    benchmark::DoNotOptimize(draw(samplingOf(settings, u), logits, scratch));
  }
}

void readingLogprobs(benchmark::State& state) {
  auto logits = logitsOf(state.range(0), false);
  SamplerScratch scratch;
  for (auto _ : state) benchmark::DoNotOptimize(topLogprobs(logits, 17, 20, scratch));
}

#define INGOT_DRAW(name, ...) BENCHMARK_CAPTURE(drawing, name, __VA_ARGS__)->Arg(49152)->Arg(128256)->Unit(benchmark::kMicrosecond)
INGOT_DRAW(greedy, {.temperature = 0}, false);
INGOT_DRAW(plain, {.temperature = 1}, false);
INGOT_DRAW(top_p_sharp, {.temperature = 0.6f, .topP = 0.9f}, false);
INGOT_DRAW(top_p_flat, {.temperature = 0.6f, .topP = 0.9f}, true);
INGOT_DRAW(top_k_50, {.temperature = 1, .topK = 50}, false);
INGOT_DRAW(min_p, {.temperature = 1, .minP = 0.05f}, false);
BENCHMARK(readingLogprobs)->Arg(49152)->Arg(128256)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
