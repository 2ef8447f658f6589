// The loops of sampling over 64 logits at a time, as wide as the machine's registers: the bits are the same on all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ingot {

constexpr size_t kBlock = 64;

// Block b of a row; of the last one, `padded` with NaN where the row ends before it does.
const float* blockOf(std::span<const float> logits, size_t b, float (&padded)[kBlock]);

// NaN is never higher; -inf where nothing is.
float highestOfBlock(const float* block);

struct BlockWeights {
  float exponents[kBlock];  // log2, relative to the best
  uint64_t weights[kBlock];
};
// As kernels/abi/sampling.h defines them; those of logits under `lowest` are 0.
void weighBlock(const float* block, float best, float scale, float lowest, BlockWeights& result);
uint64_t massOfBlock(const float* block, float best, float scale, float lowest);

}  // namespace ingot
