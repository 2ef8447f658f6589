#include "compiler/text/code_points.h"

namespace ingot {
namespace {

// What Unicode 15.1 and 16.0 assigned, which the installed ICU may not know yet: general category by range.
struct NewRange {
  uint32_t first, last;
  const char* category;
};
constexpr NewRange kNewRanges[] = {
#include "compiler/text/unicode_16.inc"
};

Result<icu::UnicodeSet> fromPattern(const std::string& pattern) {
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeSet set(icu::UnicodeString::fromUTF8(pattern), error);
  if (U_FAILURE(error)) return Status::unsupported("{} is no property of code points", pattern);
  return set;
}

bool isCategory(std::string_view name) {
  return !name.empty() && name.size() <= 2 && std::string_view("LMNPSZC").find(name[0]) != std::string_view::npos;
}

}  // namespace

Result<icu::UnicodeSet> propertySet(std::string_view name) {
  if (name.substr(0, 2) == "Is" && name.size() > 2) name.remove_prefix(2);
  INGOT_ASSIGN(icu::UnicodeSet set, fromPattern("[\\p{" + std::string(name) + "}]"));
  if (set.contains(0x2a700)) set.add(0x2ebf0, 0x2ee5d);  // ideographs of Unicode 15.1 are as their older ones
  if (!isCategory(name)) return set;
  for (const NewRange& range : kNewRanges) {
    std::string_view category = range.category;
    bool inside = category.substr(0, name.size()) == name;
    if (inside) set.add(static_cast<UChar32>(range.first), static_cast<UChar32>(range.last));
    else if (name[0] == 'C') set.remove(static_cast<UChar32>(range.first), static_cast<UChar32>(range.last));
  }
  return set;
}

icu::UnicodeSet numericSet() {
  icu::UnicodeSet set = *propertySet("N");
  return set.add(0x11de0, 0x11de9).add(0x16ff4, 0x16ff6);  // new in Unicode 17
}

icu::UnicodeSet spaceSet() { return *fromPattern("[\\p{White_Space}]"); }
icu::UnicodeSet digitSet() { return *propertySet("Nd"); }
icu::UnicodeSet wordSet() {
  icu::UnicodeSet set = *fromPattern("[\\p{Alphabetic}]");
  for (const char* category : {"L", "M", "Nd", "Nl", "Pc"}) set.addAll(*propertySet(category));
  return set;
}
icu::UnicodeSet looseWordSet() { return wordSet().add(0xb2, 0xb3).add(0xb9).add(0xbc, 0xbe); }
icu::UnicodeSet rustWordSet() { return wordSet().add(0x200c, 0x200d); }

}  // namespace ingot
