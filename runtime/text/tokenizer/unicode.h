// Unicode normalisation forms (UAX #15) and lower case over the tables of a tokenizer; white space.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot::text {

// Appends `text` in the form that `compatible` (K) and `compose` (C) name. `points` and `marks` are scratch.
void appendNormalized(const plan::Unicode& tables, std::string_view text, bool compatible, bool compose, std::vector<uint32_t>& points,
                      std::vector<uint64_t>& marks, std::string& out);
// Appends the full lower case of `text` (Rust's char::to_lowercase).
void appendLower(const plan::Unicode& tables, std::string_view text, std::string& out);

// Unicode White_Space.
bool isSpace(uint32_t codePoint);

}  // namespace ingot::text
