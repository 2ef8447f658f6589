// Numbers and quoted strings as Python writes and reads them. Nothing depends on the locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/text/template/big_integer.h"

namespace ingot::text {

// Python's guard against quadratic conversions of integers.
constexpr size_t kMaxIntegerDigits = 4300;
std::string integerDigitsMessage(size_t digits);

// Of checked digits: [digits][.digits][e[sign]digits].
double parseReal(std::string_view digits);
// float(text) and int(text, base), base 0 or 2..36; empty when Python would raise ValueError.
std::optional<double> realFromText(std::string_view text);
std::optional<Integer> integerFromText(std::string_view text, int base);

// repr(float): the shortest digits that give the same value back.
std::string realRepr(double value);
// '%.{precision}{kind}' for kind e, f, g (and E, F, G). `alternate` keeps the point and zeros.
std::string formatReal(double value, int precision, char kind, bool alternate);
// repr(str)
std::string quotePython(std::string_view text);
void appendQuoted(std::string_view text, std::string& out);

}  // namespace ingot::text
