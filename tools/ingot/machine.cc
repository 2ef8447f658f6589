#include "tools/ingot/machine.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "runtime/device/cpu/topology.h"
#include "runtime/device/memory.h"

namespace ingot::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBytesPerThread = 192 << 20;
constexpr int kRounds = 5;

// Seconds of `work(thread)` on all threads at once, the best round.
template <class Work>
double bestSeconds(int threads, Work work) {
  double best = 1e9;
  Clock::time_point start;
  std::barrier begin(threads, [&]() noexcept { start = Clock::now(); });
  std::barrier end(threads, [&]() noexcept { best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count()); });
  auto loop = [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      begin.arrive_and_wait();
      work(thread);
      end.arrive_and_wait();
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back(loop, i);
  loop(0);
  for (auto& helper : helpers) helper.join();
  return best;
}

// Keeps a value alive without storing it.
template <class T>
void keep(const T& value) {
  asm volatile("" ::"m"(value) : "memory");
}

typedef long long Line __attribute__((vector_size(64)));

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void readAll(const Line* lines, size_t count) {
  Line sums[4] = {};
  // In order of address, as hardware expects it.
  for (size_t i = 0; i + 4 <= count; i += 4)
    for (size_t j = 0; j < 4; ++j) sums[j] |= lines[i + j];
  keep(sums);
}

constexpr int64_t kPeakIterations = 4'000'000;
constexpr int kChains = 12;

#if defined(__x86_64__)
// Twelve independent chains in registers of their own: enough to hide the latency. Their values don't matter.
#define INGOT_CHAINS(op, r)                                                                                                                       \
  op " %1, %0, %%" r "4\n" op " %1, %0, %%" r "5\n" op " %1, %0, %%" r "6\n" op " %1, %0, %%" r "7\n" op " %1, %0, %%" r "8\n" op " %1, %0, %%" r \
     "9\n" op " %1, %0, %%" r "10\n" op " %1, %0, %%" r "11\n" op " %1, %0, %%" r "12\n" op " %1, %0, %%" r "13\n" op " %1, %0, %%" r "14\n" op   \
     " %1, %0, %%" r "15\n"
#define INGOT_CHAIN_REGISTERS "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

__attribute__((target("avx512f,avx512vnni"))) void dotsOf512() {
  typedef int V __attribute__((vector_size(64)));
  V a = V{} + 0x01010101, b = V{} + 0x01020304;
  for (int64_t i = 0; i < kPeakIterations; ++i) asm volatile(INGOT_CHAINS("vpdpbusd", "zmm")::"v"(a), "v"(b) : INGOT_CHAIN_REGISTERS);
}
// The products of 8-bit values that AVX2 has; what adds them up is not counted.
__attribute__((target("avx2"))) void productsOf256() {
  typedef int V __attribute__((vector_size(32)));
  V a = V{} + 0x01010101, b = V{} + 0x01020304;
  for (int64_t i = 0; i < kPeakIterations; ++i) asm volatile(INGOT_CHAINS("vpmaddubsw", "ymm")::"x"(a), "x"(b) : INGOT_CHAIN_REGISTERS);
}
__attribute__((target("avx512f"))) void fmasOf512() {
  typedef float V __attribute__((vector_size(64)));
  V a = V{} + 0.5f, b = V{} + 0.25f;
  for (int64_t i = 0; i < kPeakIterations; ++i) asm volatile(INGOT_CHAINS("vfmadd231ps", "zmm")::"v"(a), "v"(b) : INGOT_CHAIN_REGISTERS);
}
__attribute__((target("avx2,fma"))) void fmasOf256() {
  typedef float V __attribute__((vector_size(32)));
  V a = V{} + 0.5f, b = V{} + 0.25f;
  for (int64_t i = 0; i < kPeakIterations; ++i) asm volatile(INGOT_CHAINS("vfmadd231ps", "ymm")::"x"(a), "x"(b) : INGOT_CHAIN_REGISTERS);
}
#endif

double peak(int threads, void (*loop)(), double perInstruction) {
  return static_cast<double>(threads) * kPeakIterations * kChains * perInstruction / bestSeconds(threads, [&](int) { loop(); });
}

}  // namespace

double readBandwidth(int threads) {
  auto memory = Memory::allocate(kBytesPerThread * static_cast<size_t>(threads));
  if (!memory.ok()) return 0;
  std::fill_n(memory->data(), memory->bytes(), std::byte{1});
  double seconds = bestSeconds(threads, [&](int thread) {
    readAll(reinterpret_cast<const Line*>(memory->data() + kBytesPerThread * static_cast<size_t>(thread)), kBytesPerThread / sizeof(Line));
  });
  return static_cast<double>(memory->bytes()) / seconds;
}

double int8Peak(int threads) {
#if defined(__x86_64__)
  if (hasCpuFeature("avx512vnni")) return peak(threads, dotsOf512, 128);
  if (hasCpuFeature("avx2")) return peak(threads, productsOf256, 64);
#endif
  return 0;
}

double float32Peak(int threads) {
#if defined(__x86_64__)
  if (hasCpuFeature("avx512f")) return peak(threads, fmasOf512, 32);
  if (hasCpuFeature("fma")) return peak(threads, fmasOf256, 16);
#endif
  return 0;
}

}  // namespace ingot::cli
