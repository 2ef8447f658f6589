#include "runtime/sample/block.h"

#include <algorithm>
#include <limits>

#include "kernels/abi/sampling.h"

// The loader takes the version for the machine it is on. No version fuses multiply and add.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
#define INGOT_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define INGOT_WIDE
#endif

namespace ingot {

const float* blockOf(std::span<const float> logits, size_t b, float (&padded)[kBlock]) {
  auto from = logits.subspan(b * kBlock);
  if (from.size() >= kBlock) return from.data();
  std::fill(std::copy(from.begin(), from.end(), padded), padded + kBlock, std::numeric_limits<float>::quiet_NaN());
  return padded;
}

INGOT_WIDE float highestOfBlock(const float* block) {
  constexpr size_t kLanes = 16;
  float lanes[kLanes];
  for (float& lane : lanes) lane = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < kBlock; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = block[i + lane] > lanes[lane] ? block[i + lane] : lanes[lane];
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane) lanes[lane] = lanes[lane + half] > lanes[lane] ? lanes[lane + half] : lanes[lane];
  return lanes[0];
}

// In three loops, of which each is vectorised.
INGOT_WIDE void weighBlock(const float* block, float best, float scale, float lowest, BlockWeights& result) {
  IngotWeight powers[kBlock];
  for (size_t i = 0; i < kBlock; ++i) {
    float exponent = ingotExponent(block[i], best, scale);
    result.exponents[i] = block[i] >= lowest ? exponent : -63.0f;
  }
  for (size_t i = 0; i < kBlock; ++i) powers[i] = ingotPower(result.exponents[i]);
  for (size_t i = 0; i < kBlock; ++i) result.weights[i] = ingotFixed(powers[i]);
}

INGOT_WIDE uint64_t massOfBlock(const float* block, float best, float scale, float lowest) {
  BlockWeights weights;
  weighBlock(block, best, scale, lowest, weights);
  uint64_t mass = 0;
  for (uint64_t weight : weights.weights) mass += weight;
  return mass;
}

}  // namespace ingot
