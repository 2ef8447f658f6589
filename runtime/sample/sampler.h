// Draws a token from a row of processed logits. The oracle of kernels/sample: the same settings give the same token on every device.
#pragma once

#include "kernels/abi/abi.h"
#include "runtime/sample/params.h"
#include "runtime/sample/row.h"

namespace ingot {

// The id of the largest logit, the lowest id among equals. NaN never wins. -1 where no logit is over -inf.
int32_t argmax(std::span<const float> logits);

// The settings as numbers that CPUs and GPUs draw with; `u` in [0, 1).
IngotSampling samplingOf(const SamplerSettings& settings, double u);

// Temperature, min-p, top-k, top-p, then one draw. Ids of equal probability are ordered by id. -1 where no logit is over -inf.
int32_t draw(const IngotSampling& sampling, std::span<const float> logits, SamplerScratch& scratch);

}  // namespace ingot
