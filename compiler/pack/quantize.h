// Groups of weights -> codes and a scale, chosen by least squared error; and exact codes out of GGUF blocks.
#pragma once

#include <cstdint>

#include "compiler/import/checkpoint.h"
#include "kernels/linear/layout.h"

namespace ingot {

constexpr int kMaxGroup = 128;

// w[i] = scale * codes[i] (+ minimum, for i4m). Codes: i8 -127..127, i4 -8..7, i4m 0..15; f8 the bits of e4m3 values. Scale and
// minimum are f16 values, of f8 any.
struct GroupCodes {
  int8_t codes[kMaxGroup];
  float scale = 0, minimum = 0;
};

// Best codes of `group` values: several scales are tried, each refined by least squares (as in k-means with one step).
// `importance` says what the squared error of each value counts, in any unit; null: nothing is known of the rows that the values
// multiply. Codes of 8 bits are fine enough for the largest value to set their scale in any case.
void quantizeGroup(WeightFormat format, const float* values, const float* importance, int group, GroupCodes& out);

// The codes of one 32-value GGUF block as they are, where `format` can hold them exactly: q4_0 in i4, i4m and i8; q4_1 in i4m;
// q5_0 and q8_0 in i8. Returns false where it cannot.
bool exactCodes(ElementType type, const std::byte* block, WeightFormat format, GroupCodes& out);

}  // namespace ingot
