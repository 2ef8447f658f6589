// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011). The same (key, counter) gives the same number,
// whatever was drawn before; so a request's draws do not depend on its company.
#pragma once

#include <cstdint>

namespace ingot {

// Uniform in (0, 1), never 0 or 1. `stream` separates outputs of one request, `position` the tokens of an output.
double uniform(uint64_t seed, uint32_t stream, uint32_t position);

}  // namespace ingot
