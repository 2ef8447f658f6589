// The names that Jinja and Python's types give templates: filters, tests, methods and global functions, each with a number.
#pragma once

#include <cstdint>
#include <string_view>

namespace ingot::text {

// clang-format off: it never settles on these lists
#define INGOT_FILTERS(X)                                                                                                                            \
  X(abs)                                                                                                                                            \
  X(attr) X(batch) X(capitalize) X(center) X(count) X(d) X(default_) X(dictsort) X(e) X(escape) X(filesizeformat) X(first) X(float_) X(forceescape) \
      X(format) X(groupby) X(indent) X(int_) X(items) X(join) X(last) X(length) X(list) X(lower) X(map) X(max) X(min) X(pprint) X(random) X(reject) \
          X(rejectattr) X(replace) X(reverse) X(round) X(safe) X(select) X(selectattr) X(slice) X(sort) X(string) X(striptags) X(sum) X(title)      \
              X(tojson) X(trim) X(truncate) X(unique) X(upper) X(urlencode) X(urlize) X(wordcount) X(wordwrap) X(xmlattr)

#define INGOT_TESTS(X)                                                                                                                            \
  X(boolean)                                                                                                                                      \
  X(callable) X(defined) X(divisibleby) X(escaped) X(even) X(false_) X(filter) X(float_) X(in) X(integer) X(iterable) X(lower) X(mapping) X(none) \
      X(number) X(odd) X(sameas) X(sequence) X(string) X(test) X(true_) X(undefined) X(upper) X(equal) X(notEqual) X(greater) X(greaterEqual)     \
          X(less) X(lessEqual)

#define INGOT_METHODS(X)                                                                                                                             \
  X(append)                                                                                                                                          \
  X(as_integer_ratio) X(bit_count) X(bit_length) X(capitalize) X(casefold) X(center) X(changed) X(clear) X(conjugate) X(copy) X(count) X(cycle)      \
      X(denominator) X(encode) X(endswith) X(escape) X(expandtabs) X(extend) X(find) X(format) X(format_map) X(fromkeys) X(get) X(hex) X(imag)       \
          X(index) X(insert) X(is_integer) X(isalnum) X(isalpha) X(isascii) X(isdecimal) X(isdigit) X(isidentifier) X(islower) X(isnumeric)          \
              X(isprintable) X(isspace) X(istitle) X(isupper) X(items) X(join) X(keys) X(ljust) X(lower) X(lstrip) X(maketrans) X(next) X(numerator) \
                  X(partition) X(pop) X(popitem) X(real) X(remove) X(removeprefix) X(removesuffix) X(replace) X(reset) X(reverse) X(rfind) X(rindex) \
                      X(rjust) X(rpartition) X(rsplit) X(rstrip) X(setdefault) X(sort) X(split) X(splitlines) X(start) X(startswith) X(step) X(stop) \
                          X(strip) X(striptags) X(swapcase) X(title) X(to_bytes) X(translate) X(unescape) X(update) X(upper) X(values) X(zfill)
// clang-format on

#define INGOT_ENUM(name) name,
enum class FilterName : uint16_t { INGOT_FILTERS(INGOT_ENUM) };
enum class TestName : uint16_t { INGOT_TESTS(INGOT_ENUM) };
enum class MethodName : uint16_t { INGOT_METHODS(INGOT_ENUM) };
#undef INGOT_ENUM

enum class FunctionName : uint16_t { range, dict, lipsum, cycler, joiner, nameSpace, raiseException, strftimeNow, dictFromKeys };

// The number of a name, or -1.
int filterNamed(std::string_view name);
int testNamed(std::string_view name);
int methodNamed(std::string_view name);
int functionNamed(std::string_view name);
std::string_view methodText(MethodName name);

}  // namespace ingot::text
