// Sets of code points by Unicode property, as the reference's regular expressions know them (Unicode 16).
#pragma once

#include <unicode/uniset.h>

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace ingot {

// \p{...} by general category, script or binary property; \s \d \w of Oniguruma. Case and "Is" prefixes do not matter.
Result<icu::UnicodeSet> propertySet(std::string_view name);
icu::UnicodeSet spaceSet();
icu::UnicodeSet digitSet();
icu::UnicodeSet wordSet();
icu::UnicodeSet looseWordSet();  // \w outside brackets, where Oniguruma goes by an older table of Latin-1
icu::UnicodeSet rustWordSet();   // \w of Rust's expressions: Whitespace, and single_word of added tokens
icu::UnicodeSet numericSet();    // Digits: \p{N} of Unicode 17

// Sets of the reference's normalizers and pre-tokenizers, which know older Unicode (measured against tokenizers 0.23:
// tests/golden/tokenizers/every_code_point.py).
icu::UnicodeSet markSet();         // StripAccents: Unicode 9
icu::UnicodeSet bertAccentSet();   // BertNormalizer's accents: Unicode 8
icu::UnicodeSet bertControlSet();  // what BertNormalizer's clean_text drops
icu::UnicodeSet ideographSet();    // BERT's list of blocks
icu::UnicodeSet punctuationSet();  // Punctuation, BertPreTokenizer: Unicode 8 and ASCII's
icu::UnicodeSet nmtControlSet();
icu::UnicodeSet nmtSpaceSet();
// UnicodeScripts: a set for each script, Japanese ones joined with Han; code points of none are left out. Unicode 9.
std::vector<icu::UnicodeSet> scriptSets();

}  // namespace ingot
