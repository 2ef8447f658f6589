// A quantised row of k columns: k int8, k / G f32 scales, k / G i32 sums of the group's int8; padded to 64 bytes.
#pragma once

constexpr long long quantizedRowBytes(long long k, int group) { return (k + 8 * (k / group) + 63) / 64 * 64; }
