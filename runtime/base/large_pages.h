// Address ranges that the system can back with large pages (2 MiB): reading memory through them takes far fewer translations.
#pragma once

#include <cstddef>

namespace ingot {

constexpr size_t kLargePageBytes = 2 << 20;

// Reserves addresses for `bytes`, from a multiple of kLargePageBytes on; to be mapped over with MAP_FIXED, and unmapped as usual.
// Null when there are none left; errno says why.
std::byte* reserveAligned(size_t bytes);

}  // namespace ingot
