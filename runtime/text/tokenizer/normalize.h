// The normalizers of a tokenizer, one after the other.
#pragma once

#include <string>
#include <vector>

#include "runtime/text/tokenizer/dfa.h"

namespace ingot::text {

struct NormalizeScratch {
  std::string other;
  std::vector<uint32_t> points;
};

// Replaces `text` by its normal form.
void normalize(const plan::Tokenizer& tokenizer, const std::vector<Dfa>& dfas, std::string& text, NormalizeScratch& scratch);

}  // namespace ingot::text
