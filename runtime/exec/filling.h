// Random weights for speed work, made where the file has only their recipe: finite, small, and the same for the same seed.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/format/plan_generated.h"

namespace ingot {

// A stretch of whole units; the weight is this, repeated. At most `most` bytes long, at least one unit.
std::vector<std::byte> fillingPattern(const plan::Filling& filling, size_t most);

// The whole weight.
void fillWeight(const plan::Weight& weight, std::span<std::byte> to);

}  // namespace ingot
