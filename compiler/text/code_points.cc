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
  if (!isCategory(name)) return set;
  for (const NewRange& range : kNewRanges) {
    std::string_view category = range.category;
    bool inside = category.substr(0, name.size()) == name;
    if (inside) set.add(static_cast<UChar32>(range.first), static_cast<UChar32>(range.last));
    else if (name[0] == 'C') set.remove(static_cast<UChar32>(range.first), static_cast<UChar32>(range.last));
  }
  return set;
}

icu::UnicodeSet spaceSet() { return *fromPattern("[\\p{White_Space}]"); }
icu::UnicodeSet digitSet() { return *propertySet("Nd"); }
icu::UnicodeSet wordSet() {
  icu::UnicodeSet set = *fromPattern("[\\p{Alphabetic}\\p{Join_Control}]");
  for (const char* category : {"L", "M", "Nd", "Nl", "Pc"}) set.addAll(*propertySet(category));
  return set;
}

}  // namespace ingot
