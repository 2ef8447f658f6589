// Sets of code points by Unicode property, as the reference's regular expressions know them (Unicode 16).
#pragma once

#include <unicode/uniset.h>

#include <string>
#include <string_view>

#include "runtime/base/status.h"

namespace ingot {

// \p{...} by general category, script or binary property; \s \d \w of Oniguruma. Case and "Is" prefixes do not matter.
Result<icu::UnicodeSet> propertySet(std::string_view name);
icu::UnicodeSet spaceSet();
icu::UnicodeSet digitSet();
icu::UnicodeSet wordSet();

}  // namespace ingot
