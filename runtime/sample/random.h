// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011). The same (key, counter) gives the same number,
// whatever was drawn before; so a request's draws do not depend on its company.
#pragma once

#include <array>
#include <cstdint>

namespace ingot {

// The four words of one block.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Uniform in (0, 1), never 0 or 1. `stream` separates outputs of one request, `position` the tokens of an output.
double uniform(uint64_t seed, uint32_t stream, uint32_t position);

}  // namespace ingot
