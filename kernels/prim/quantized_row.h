// Layout of rows in memory. Rows of f32, and narrow ones (narrow.cuh), are padded to whole vectors. A quantised row of k columns: k codes of 8
// bits, k / G f32 scales, and for int8 k / G i32 sums of the group's codes; padded to 64 bytes.
#pragma once

constexpr long long paddedColumns(long long columns) { return (columns + 15) / 16 * 16; }

enum class RowCode : int { i8, f8 };  // f8: e4m3

constexpr long long quantizedRowBytes(long long k, int group, RowCode code = RowCode::i8) {
  return (k + (code == RowCode::i8 ? 8 : 4) * (k / group) + 63) / 64 * 64;
}
