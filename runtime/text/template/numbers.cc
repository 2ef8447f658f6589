#include "runtime/text/template/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

#include "runtime/text/template/characters.h"

namespace ingot::text {
namespace {

std::string_view stripSpace(std::string_view text) {
  for (size_t at = 0; !text.empty(); text.remove_prefix(at), at = 0)
    if (!isSpaceAt(nextPoint(text, at))) break;
  while (!text.empty()) {
    size_t start = previousStart(text, text.size()), at = start;
    if (!isSpaceAt(nextPoint(text, at))) break;
    text = text.substr(0, start);
  }
  return text;
}

// Decimal digits of any script become ASCII; underscores between digits go.
std::optional<std::string> plainDigits(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    uint32_t point = nextPoint(text, at);
    if (point >= 0x80) {
      if (!(classOf(point) & kDecimal)) return std::nullopt;
      plain += static_cast<char>('0' + decimalValue(point));
    } else if (point == '_') {
      bool between = !plain.empty() && std::isalnum(static_cast<unsigned char>(plain.back())) && at < text.size() && text[at] != '_';
      if (!between) return std::nullopt;
      plain += '_';
    } else {
      plain += static_cast<char>(point);
    }
  }
  return plain;
}

int digitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 32) >= 'a' && (c | 32) <= 'z' ? (c | 32) - 'a' + 10 : 99;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 32);
  return out;
}

// Underscores only between digits.
bool dropUnderscores(std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    bool between = i > 0 && i + 1 < text.size() && digitOf(text[i - 1]) < 10 && digitOf(text[i + 1]) < 10;
    if (!between) return false;
  }
  text = out;
  return true;
}

// `digits` is 1 <= d.ddd < 10 without its point; places the point as repr does.
std::string placePoint(bool negative, const std::string& digits, int exponent) {
  std::string out = negative ? "-" : "";
  int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1) out.append(".").append(digits, 1);
    char tail[16];
    std::snprintf(tail, sizeof tail, "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    return out + tail;
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1) return out + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return out + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." + digits.substr(static_cast<size_t>(exponent) + 1);
}

std::string withPrecision(double value, std::chars_format format, int precision) {
  std::string out(static_cast<size_t>(precision) + 350, '\0');
  auto [end, error] = std::to_chars(out.data(), out.data() + out.size(), value, format, precision);
  out.resize(static_cast<size_t>(end - out.data()));
  return out;
}

// '%g' keeps `precision` digits, and drops trailing zeros unless `alternate`.
std::string formatGeneral(double value, int precision, bool alternate) {
  if (precision == 0) precision = 1;
  std::string scientific = withPrecision(value, std::chars_format::scientific, precision - 1);
  int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  bool isFixed = exponent >= -4 && exponent < precision;
  std::string out = isFixed ? withPrecision(value, std::chars_format::fixed, precision - 1 - exponent) : scientific;
  size_t end = std::min(out.find('e'), out.size());
  std::string digits = out.substr(0, end), tail = out.substr(end);
  if (alternate) {
    if (digits.find('.') == std::string::npos) digits += '.';
  } else if (digits.find('.') != std::string::npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
  }
  return digits + tail;
}

}  // namespace

std::string integerDigitsMessage(size_t digits) {
  return "Exceeds the limit (4300 digits) for integer string conversion: value has " + std::to_string(digits) +
         " digits; use sys.set_int_max_str_digits() to increase the limit";
}

double parseReal(std::string_view digits) {
  double value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc::result_out_of_range) return value;
  // Out of range is zero or infinity: the sign of the exponent tells, or whether anything but zeros stands before the point.
  size_t exponent = digits.find_first_of("eE");
  bool tiny = exponent != std::string_view::npos ? digits[exponent + 1] == '-' : digits.find_first_not_of("0.") > digits.find('.');
  return tiny ? 0.0 : HUGE_VAL;
}

std::optional<double> realFromText(std::string_view text) {
  auto plain = plainDigits(stripSpace(text));
  if (!plain || !dropUnderscores(*plain)) return std::nullopt;
  std::string_view rest = *plain;
  bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  std::string word = lower(rest);
  double sign = negative ? -1 : 1;
  if (word == "inf" || word == "infinity") return sign * HUGE_VAL;
  if (word == "nan") return std::copysign(std::nan(""), sign);
  size_t at = 0, digits = 0;
  auto skipDigits = [&] {
    for (; at < word.size() && digitOf(word[at]) < 10; ++at) ++digits;
  };
  skipDigits();
  if (at < word.size() && word[at] == '.') ++at, skipDigits();
  if (digits == 0) return std::nullopt;
  if (at < word.size() && word[at] == 'e') {
    if (++at < word.size() && (word[at] == '+' || word[at] == '-')) ++at;
    digits = 0;
    skipDigits();
    if (digits == 0) return std::nullopt;
  }
  if (at != word.size()) return std::nullopt;
  if (size_t plus = word.find("e+"); plus != std::string::npos) word.erase(plus + 1, 1);
  return sign * parseReal(word.starts_with('.') ? "0" + word : word);
}

std::optional<Integer> integerFromText(std::string_view text, int base) {
  auto plain = plainDigits(stripSpace(text));
  if (!plain) return std::nullopt;
  std::string_view rest = *plain;
  bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  bool isPrefixed = false;
  if (rest.size() > 1 && rest[0] == '0') {
    char mark = static_cast<char>(rest[1] | 32);
    int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    isPrefixed = marked != 0 && (base == 0 || base == marked);
    if (isPrefixed) base = marked, rest.remove_prefix(2);
  }
  if (isPrefixed && rest.starts_with('_')) rest.remove_prefix(1);
  bool zerosOnly = base == 0 && rest.starts_with('0');
  if (base == 0) base = 10;
  std::string digits;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '_' && i > 0 && i + 1 < rest.size() && rest[i - 1] != '_') continue;
    if (digitOf(rest[i]) >= base) return std::nullopt;
    digits += rest[i];
  }
  if (digits.empty() || (zerosOnly && digits.find_first_not_of('0') != std::string::npos)) return std::nullopt;
  if ((base & (base - 1)) != 0 && digits.size() > kMaxIntegerDigits) return std::nullopt;
  Integer value = fromDigits(digits, static_cast<uint32_t>(base));
  value.negative = negative && !value.isZero();
  return value;
}

std::string realRepr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  size_t mark = text.find('e');
  std::string digits(1, text[0]);
  if (mark > 2) digits.append(text.substr(2, mark - 2));
  return placePoint(std::signbit(value), digits, std::atoi(std::string(text.substr(mark + 1)).c_str()));
}

std::string formatReal(double value, int precision, char kind, bool alternate) {
  std::string out = std::signbit(value) && !std::isnan(value) ? "-" : "";
  double magnitude = std::fabs(value);
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "nan" : "inf";
  } else if ((kind | 32) == 'g') {
    out += formatGeneral(magnitude, precision, alternate);
  } else {
    std::string digits = withPrecision(magnitude, (kind | 32) == 'e' ? std::chars_format::scientific : std::chars_format::fixed, precision);
    if (alternate && precision == 0) digits.insert(std::min(digits.find('e'), digits.size()), ".");
    out += digits;
  }
  if (kind < 'a')
    for (char& c : out)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

void appendQuoted(std::string_view text, std::string& out) {
  bool hasSingle = text.find('\'') != std::string_view::npos, hasDouble = text.find('"') != std::string_view::npos;
  char quote = hasSingle && !hasDouble ? '"' : '\'';
  out += quote;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    uint32_t point = nextPoint(text, at);
    char escape[12];
    if (point == static_cast<unsigned char>(quote) || point == '\\') {
      out += {'\\', static_cast<char>(point)};
    } else if (point == '\n' || point == '\r' || point == '\t') {
      out += {'\\', point == '\n' ? 'n' : point == '\r' ? 'r' : 't'};
    } else if (point >= 32 && point < 127) {
      out += static_cast<char>(point);
    } else if (point >= 128 && (classOf(point) & kPrintable)) {
      out.append(text.substr(begin, at - begin));
    } else {
      std::snprintf(escape, sizeof escape, point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x", point);
      out += escape;
    }
  }
  out += quote;
}

std::string quotePython(std::string_view text) {
  std::string out;
  appendQuoted(text, out);
  return out;
}

}  // namespace ingot::text
