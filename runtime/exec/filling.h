// Random weights for speed work, made where the file has only their recipe: finite, small, and the same for the same seed.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/format/plan_generated.h"

namespace ingot {

// A stretch of whole units, no longer than it takes; the weight is this, repeated.
std::vector<std::byte> fillingPattern(const plan::Weight& weight);

// The whole weight.
void fillWeight(const plan::Weight& weight, std::span<std::byte> to);

}  // namespace ingot
