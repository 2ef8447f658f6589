#include "runtime/text/template/builtins.h"

#include <algorithm>
#include <iterator>

namespace ingot::text {
namespace {

// A C++ keyword wears an underscore at its end.
constexpr std::string_view plain(std::string_view name) { return name.ends_with('_') ? name.substr(0, name.size() - 1) : name; }

#define INGOT_NAME(name) plain(#name),
constexpr std::string_view kFilters[] = {INGOT_FILTERS(INGOT_NAME)};
constexpr std::string_view kTests[] = {INGOT_TESTS(INGOT_NAME)};
constexpr std::string_view kMethods[] = {INGOT_METHODS(INGOT_NAME)};
#undef INGOT_NAME
constexpr std::string_view kFunctions[] = {"range", "dict", "lipsum", "cycler", "joiner", "namespace", "raise_exception", "strftime_now"};

struct Alias {
  std::string_view name;
  TestName test;
};
constexpr Alias kTestAliases[] = {
    {"==", TestName::equal},        {"eq", TestName::equal},        {"equalto", TestName::equal}, {"!=", TestName::notEqual},
    {"ne", TestName::notEqual},     {">", TestName::greater},       {"gt", TestName::greater},    {"greaterthan", TestName::greater},
    {">=", TestName::greaterEqual}, {"ge", TestName::greaterEqual}, {"<", TestName::less},        {"lt", TestName::less},
    {"lessthan", TestName::less},   {"<=", TestName::lessEqual},    {"le", TestName::lessEqual}};

template <size_t N>
int indexOf(const std::string_view (&names)[N], std::string_view name) {
  auto found = std::find(std::begin(names), std::end(names), name);
  return found == std::end(names) ? -1 : static_cast<int>(found - std::begin(names));
}

}  // namespace

int filterNamed(std::string_view name) { return indexOf(kFilters, name); }
int functionNamed(std::string_view name) { return indexOf(kFunctions, name); }
std::string_view methodText(MethodName name) { return kMethods[static_cast<size_t>(name)]; }

int testNamed(std::string_view name) {
  for (const Alias& alias : kTestAliases)
    if (alias.name == name) return static_cast<int>(alias.test);
  int found = indexOf(kTests, name);
  return found >= static_cast<int>(TestName::equal) ? -1 : found;
}

int methodNamed(std::string_view name) {
  auto found = std::lower_bound(std::begin(kMethods), std::end(kMethods), name);
  return found == std::end(kMethods) || *found != name ? -1 : static_cast<int>(found - std::begin(kMethods));
}

}  // namespace ingot::text
