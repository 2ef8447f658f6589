// Random weights for benchmarks, generated from the recipe in the file: finite, small, and the same for the same seed.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/format/plan_generated.h"

namespace ingot {

// Whole units of random elements, at least one and no more than needed; the weight is this pattern, repeated.
std::vector<std::byte> fillingPattern(const plan::Weight& weight);

// Writes the whole weight.
void fillWeight(const plan::Weight& weight, std::span<std::byte> to);

}  // namespace ingot
