// Fresh random inputs whose seed is printed: INGOT_TEST_SEED=N repeats a run.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace ingot::test {

// One seed per process.
inline uint64_t testSeed() {
  static const uint64_t seed = [] {
    const char* given = std::getenv("INGOT_TEST_SEED");
    uint64_t value = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::printf("seed %llu (INGOT_TEST_SEED repeats it)\n", static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

class Random {
 public:
  explicit Random(uint64_t stream = 0) : engine_(testSeed() + 0x9e3779b97f4a7c15 * stream) {}

  // Uniform in [low, high].
  int64_t integer(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine_); }
  bool chance(double p) { return std::bernoulli_distribution(p)(engine_); }
  float normal(float deviation = 1) { return std::normal_distribution<float>(0, deviation)(engine_); }
  std::vector<float> normals(size_t count, float deviation = 1) {
    std::vector<float> values(count);
    for (float& value : values) value = normal(deviation);
    return values;
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace ingot::test
