// Weights of ids in sampling, as integers: their sums do not depend on the order of addition, so that CPUs and GPUs keep and draw the same ids. Every
// operation is one of f32, none fused (contraction is off wherever this is compiled).
//
// Ids are ordered by logit, descending, then by id. A row keeps its first top_k ids, of these the fewest whose weights reach ingotShare(total,
// top_p), and discards those with a logit below best + floor. Drawn is the first kept id, in ascending order of id numbers, at which the running
// weight of kept ids exceeds ingotShare(kept, uniform). NaN has no weight.
#pragma once

#include "kernels/abi/abi.h"

#define INGOT_LOG2E 1.44269504088896341f  // the scale of a temperature of 1

// log2 of a weight relative to the best one's, from -63 to 0; INGOT_WEIGHTLESS and below is a weight of 0.
#define INGOT_WEIGHTLESS (-42.0f)
static inline float ingotExponent(float logit, float best, float scale) {
  float exponent = (logit - best) * scale;
  exponent = exponent > -63.0f ? exponent : -63.0f;
  return logit == best ? 0.0f : exponent;  // also if both are +inf
}

// 2^exponent * 2^40 is floor(mantissa * 2^16 / 2^halvings).
struct IngotWeight {
  ingot_i32 mantissa, halvings;
};
static inline struct IngotWeight ingotPower(float exponent) {
  float whole = (exponent + 12582912.0f) - 12582912.0f, rest = exponent - whole;  // 1.5 * 2^23 rounds to a whole number
  float power = 1.535336188319500e-4f;                                            // 2^rest, from -1/2 to 1/2 (Cephes, exp2f)
  power = power * rest + 1.339887440266574e-3f;
  power = power * rest + 9.618437357674640e-3f;
  power = power * rest + 5.550332471162809e-2f;
  power = power * rest + 2.402264791363012e-1f;
  power = power * rest + 6.931472028550421e-1f;
  power = power * rest + 1.0f;
  struct IngotWeight weight = {(ingot_i32)(power * 16777216.0f), -(ingot_i32)whole};
  return weight;
}
// The best id weighs 2^40: the sum of 2^24 such weights fits 64 bits.
static inline ingot_u64 ingotFixed(struct IngotWeight weight) { return ((ingot_u64)weight.mantissa << 16) >> weight.halvings; }
static inline ingot_u64 ingotWeight(float logit, float best, float scale) { return ingotFixed(ingotPower(ingotExponent(logit, best, scale))); }

static inline float ingotEdited(struct IngotEdit edit, float logit) {
  return (logit > 0 ? logit / edit.repetition : logit * edit.repetition) + edit.add;
}

// floor(total * fraction / 2^64)
static inline ingot_u64 ingotShare(ingot_u64 total, ingot_u64 fraction) {
#ifdef __CUDACC__
  return __umul64hi(total, fraction);
#else
  return (ingot_u64)((unsigned __int128)total * fraction >> 64);
#endif
}
