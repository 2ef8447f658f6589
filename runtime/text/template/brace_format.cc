// The part of Interpreter behind str.format: fields, conversions and format specifications, inside the sandbox.
#include <algorithm>
#include <cmath>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

struct Spec {
  std::string fill = " ";
  char align = 0, sign = '-', grouping = 0, kind = 0;
  bool alternate = false, zero = false;
  int64_t width = 0, precision = -1;
};

bool isAlign(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

// [[fill]align][sign][#][0][width][grouping][.precision][type]
bool parseSpec(Interpreter& self, std::string_view text, const Value& value, Spec& spec) {
  std::string_view type = self.typeName(value);
  size_t at = 0, fillEnd = 0;
  if (!text.empty()) nextPoint(text, fillEnd);
  if (fillEnd > 0 && fillEnd < text.size() && isAlign(text[fillEnd])) {
    spec.fill = text.substr(0, fillEnd);
    spec.align = text[fillEnd];
    at = fillEnd + 1;
  } else if (!text.empty() && isAlign(text[0])) {
    spec.align = text[at++];
  }
  auto number = [&](int64_t& out) {
    bool found = false;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      out = std::min<int64_t>(std::max<int64_t>(out, 0) * 10 + (text[at] - '0'), INT32_MAX);
      found = true;
    }
    return found;
  };
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' ')) spec.sign = text[at++];
  if (at < text.size() && text[at] == '#') spec.alternate = true, ++at;
  if (at < text.size() && text[at] == '0') {
    spec.zero = true;
    if (spec.align == 0) spec.align = value.isText() ? '<' : '=';
    if (fillEnd == 0 || text.find(spec.fill) != 0 || spec.fill == " ") spec.fill = "0";
    ++at;
  }
  number(spec.width);
  if (at < text.size() && (text[at] == ',' || text[at] == '_')) spec.grouping = text[at++];
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!number(spec.precision)) return self.fail("ValueError", "Format specifier missing precision");
  }
  if (text.size() - at > 1)
    return self.fail("ValueError", "Invalid format specifier '" + std::string(text) + "' for object of type '" + std::string(type) + "'");
  if (at < text.size()) spec.kind = text[at];
  if (spec.width > (1 << 26) || spec.precision > (1 << 20)) return self.failLimit("memory", self.limits().maxMemoryBytes);
  return true;
}

void pad(const Spec& spec, char defaultAlign, std::string_view sign, std::string_view body, std::string& out) {
  char align = spec.align == 0 ? defaultAlign : spec.align;
  auto size = static_cast<int64_t>(countPoints(sign) + countPoints(body));
  int64_t missing = std::max<int64_t>(0, spec.width - size), left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  auto fill = [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) out += spec.fill;
  };
  if (align == '=') out.append(sign), fill(missing), out.append(body);
  else fill(left), out.append(sign).append(body), fill(missing - left);
}

std::string group(const std::string& digits, const Spec& spec, size_t every, size_t signSize) {
  if (spec.grouping == 0) return digits;
  std::string whole = digits.substr(0, digits.find_first_not_of("0123456789abcdefABCDEF")), tail = digits.substr(whole.size());
  if (spec.zero && spec.align == '=') {
    // Zeros are grouped too.
    auto width = static_cast<size_t>(std::max<int64_t>(0, spec.width - static_cast<int64_t>(signSize + tail.size())));
    while (whole.size() + (whole.size() - 1) / every < width && (whole.size() + 1) + whole.size() / every <= width + (whole.size() % every == 0))
      whole.insert(0, "0");
  }
  for (size_t at = whole.size(); at > every;) whole.insert(at -= every, 1, spec.grouping);
  return whole + tail;
}

std::string signOf(bool negative, const Spec& spec) { return negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : ""; }

bool unknownKind(Interpreter& self, const Spec& spec, const Value& value) {
  return self.fail("ValueError",
                   std::string("Unknown format code '") + spec.kind + "' for object of type '" + std::string(self.typeName(value)) + "'");
}

bool formatText(Interpreter& self, const Value& value, const Spec& spec, std::string& out) {
  if (spec.kind != 0 && spec.kind != 's') return unknownKind(self, spec, value);
  if (spec.sign != '-') return self.fail("ValueError", "Sign not allowed in string format specifier");
  if (spec.alternate) return self.fail("ValueError", "Alternate form (#) not allowed in string format specifier");
  if (spec.align == '=') return self.fail("ValueError", "'=' alignment not allowed in string format specifier");
  if (spec.grouping != 0) return self.fail("ValueError", std::string("Cannot specify '") + spec.grouping + "' with 's'.");
  std::string_view text = value.text();
  if (spec.precision >= 0) text = text.substr(0, offsetOf(text, static_cast<uint64_t>(spec.precision)));
  pad(spec, '<', "", text, out);
  return true;
}

// Without a type: as 'g', but with a digit after the point, which leaves one less before it.
std::string withPoint(double magnitude, int precision, bool alternate) {
  std::string digits = text::formatReal(magnitude, precision, 'g', alternate);
  if (!std::isfinite(magnitude) || digits.find_first_of(".e") != std::string::npos) return digits;
  if (static_cast<int>(digits.size()) < precision) return digits + ".0";
  digits = text::formatReal(magnitude, precision - 1, 'e', alternate);
  size_t end = digits.find('e'), last = digits.find_last_not_of('0', end - 1);
  if (digits[last] == '.') --last;
  return digits.substr(0, last + 1) + digits.substr(end);
}

bool formatReal(Interpreter& self, const Value& value, const Spec& spec, std::string& out) {
  double real = value.is(Tag::real) ? value.real : value.is(Tag::bigInteger) ? toReal(*value.big) : static_cast<double>(value.small());
  if (value.is(Tag::bigInteger) && std::isinf(real)) return self.fail("OverflowError", "int too large to convert to float");
  bool negative = std::signbit(real) && !std::isnan(real);
  double magnitude = std::fabs(real);
  int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  std::string digits;
  switch (spec.kind) {
    case 0:
      if (spec.precision < 0) digits = realRepr(magnitude);
      else {
        digits = withPoint(magnitude, std::max(precision, 1), spec.alternate);
      }
      break;
    case '%': digits = text::formatReal(magnitude * 100, precision, 'f', spec.alternate) + "%"; break;
    case 'n': digits = text::formatReal(magnitude, precision, 'g', spec.alternate); break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': digits = text::formatReal(magnitude, precision, spec.kind, spec.alternate); break;
    default: return unknownKind(self, spec, value);
  }
  std::string sign = signOf(negative, spec);
  pad(spec, '>', sign, group(digits, spec, 3, sign.size()), out);
  return true;
}

bool formatWhole(Interpreter& self, const Value& value, const Spec& spec, std::string& out) {
  uint32_t base = 10;
  switch (spec.kind) {
    case 0:
    case 'd':
    case 'n': break;
    case 'b': base = 2; break;
    case 'o': base = 8; break;
    case 'x':
    case 'X': base = 16; break;
    case 'c': {
      if (!value.isInteger() || value.small() < 0 || value.small() > 0x10ffff) return self.fail("OverflowError", "%c arg not in range(0x110000)");
      std::string character;
      appendUtf8(static_cast<uint32_t>(value.small()), character);
      pad(spec, '<', "", character, out);
      return true;
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case '%': return formatReal(self, value, spec, out);
    default: return unknownKind(self, spec, value);
  }
  if (spec.precision >= 0) return self.fail("ValueError", "Precision not allowed in integer format specifier");
  if (spec.grouping == ',' && base != 10) return self.fail("ValueError", std::string("Cannot specify ',' with '") + spec.kind + "'.");
  Integer integer = Integer::of(value);
  if (base == 10 && integer.limbs.size() > 450) {
    std::string checked;
    if (!self.appendRepr(value, checked)) return false;
  }
  std::string digits = toBase(integer, base), sign = signOf(integer.negative, spec);
  if (spec.alternate && base != 10) sign += base == 2 ? "0b" : base == 8 ? "0o" : spec.kind == 'x' ? "0x" : "0X";
  if (spec.kind == 'X') std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  pad(spec, '>', sign, group(digits, spec, base == 10 ? 3 : 4, sign.size()), out);
  return true;
}

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const CallArguments& arguments, bool isMarkup)
      : self_(interpreter), arguments_(arguments), isMarkup_(isMarkup) {}

  bool run(std::string_view format, int depth, std::string& out) {
    if (depth < 0) return self_.fail("ValueError", "Max string recursion exceeded");
    for (size_t at = 0; at < format.size();) {
      char c = format[at++];
      if (c != '{' && c != '}') {
        out += c;
        continue;
      }
      if (at < format.size() && format[at] == c) {
        out += c;
        ++at;
        continue;
      }
      if (c == '}') return self_.fail("ValueError", "Single '}' encountered in format string");
      if (at == format.size()) return self_.fail("ValueError", "Single '{' encountered in format string");
      size_t begin = at;
      for (int open = 1; open > 0; ++at) {
        if (at == format.size()) return self_.fail("ValueError", "expected '}' before end of string");
        open += format[at] == '{' ? 1 : format[at] == '}' ? -1 : 0;
      }
      if (!field(format.substr(begin, at - 1 - begin), depth, out) || !self_.checkGrowth(out)) return false;
    }
    return true;
  }

 private:
  bool field(std::string_view text, int depth, std::string& out) {
    size_t nameEnd = 0;
    for (int open = 0; nameEnd < text.size(); ++nameEnd) {
      if (text[nameEnd] == '[') ++open;
      if (text[nameEnd] == ']') --open;
      if (open <= 0 && (text[nameEnd] == '!' || text[nameEnd] == ':')) break;
    }
    std::string_view name = text.substr(0, nameEnd), rest = text.substr(nameEnd);
    char conversion = 0;
    if (rest.starts_with('!')) {
      if (rest.size() < 2) return self_.fail("ValueError", "end of string while looking for conversion specifier");
      conversion = rest[1];
      if (rest.size() > 2 && rest[2] != ':') return self_.fail("ValueError", "expected ':' after conversion specifier");
      rest.remove_prefix(2);
    }
    if (rest.starts_with(':')) rest.remove_prefix(1);
    Value value;
    std::string spec, converted;
    if (!resolve(name, value) || !run(rest, depth - 1, spec)) return false;
    if (conversion != 0) {
      if (conversion != 's' && conversion != 'r' && conversion != 'a')
        return self_.fail("ValueError", std::string("Unknown conversion specifier ") + conversion);
      if (!(conversion == 's' ? self_.appendStr(value, converted) : self_.appendRepr(value, converted)) || !self_.newText(converted, value))
        return false;
    }
    if (!isMarkup_) return self_.formatValue(value, spec, out);
    if (value.isMarkup())
      return spec.empty() ? (out.append(value.text()), true) : self_.fail("ValueError", "Unsupported format specification for Markup.");
    std::string formatted;
    Value plain, escaped;
    if (!self_.formatValue(value, spec, formatted) || !self_.newText(formatted, plain) || !self_.escape(plain, escaped)) return false;
    out.append(escaped.text());
    return true;
  }

  bool resolve(std::string_view name, Value& value) {
    size_t end = std::min(name.find_first_of(".["), name.size());
    std::string_view first = name.substr(0, end);
    bool isNumber = !first.empty() && std::all_of(first.begin(), first.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (first.empty() || isNumber) {
      uint64_t index = automatic_;
      if (first.empty()) {
        if (manual_) return self_.fail("ValueError", "cannot switch from manual field specification to automatic field numbering");
        ++automatic_;
      } else {
        if (automatic_ > 0) return self_.fail("ValueError", "cannot switch from manual field specification to automatic field numbering");
        manual_ = true;
        index = first.size() > 9 ? UINT32_MAX : std::stoull(std::string(first));
      }
      if (index >= arguments_.count) return self_.fail("IndexError", "tuple index out of range");
      value = arguments_.positional[index];
    } else {
      const NamedValue* found = nullptr;
      for (uint32_t i = 0; i < arguments_.namedCount; ++i)
        if (arguments_.named[i].name.text() == first) found = &arguments_.named[i];
      if (found == nullptr) return self_.fail("KeyError", quotePython(first));
      value = found->value;
    }
    return follow(name.substr(end), value);
  }

  bool follow(std::string_view rest, Value& value) {
    while (!rest.empty()) {
      Value key, next;
      bool isItem = rest[0] == '[';
      size_t end = isItem ? rest.find(']') : std::min(rest.find_first_of(".[", 1), rest.size());
      if (end == std::string_view::npos) return self_.fail("ValueError", "Missing ']' in format string");
      std::string_view part = rest.substr(1, end - 1);
      if (part.empty()) return self_.fail("ValueError", "Empty attribute in format string");
      bool isNumber = isItem && part.size() < 18 && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
      key = isNumber ? makeInteger(std::stoll(std::string(part))) : makeText(part);
      if (!(isItem ? self_.item(value, key, -1, next) : self_.attribute(value, key, methodNamed(part), next))) return false;
      value = next;
      rest.remove_prefix(end + isItem);
      if (isItem && !rest.empty() && rest[0] != '.' && rest[0] != '[')
        return self_.fail("ValueError", "Only '.' or '[' may follow ']' in format field specifier");
    }
    return true;
  }

  Interpreter& self_;
  const CallArguments& arguments_;
  bool isMarkup_, manual_ = false;
  uint64_t automatic_ = 0;
};

}  // namespace

bool Interpreter::formatValue(const Value& value, std::string_view text, std::string& out) {
  Spec spec;
  if (text.empty()) return appendStr(value, out);
  bool isNumber = value.isInteger() || value.is(Tag::bigInteger) || value.is(Tag::real);
  if (!value.isText() && !isNumber) return failType("unsupported format string passed to " + std::string(typeName(value)) + ".__format__");
  if (!parseSpec(*this, text, value, spec)) return false;
  if (value.isText()) return formatText(*this, value, spec, out);
  return value.is(Tag::real) ? formatReal(*this, value, spec, out) : formatWhole(*this, value, spec, out);
}

bool Interpreter::formatBraces(const Value& format, const CallArguments& arguments, Value& out) {
  std::string text;
  return BraceFormatter(*this, arguments, format.isMarkup()).run(format.text(), 2, text) &&
         newText(text, static_cast<uint8_t>((format.flags & kMarkup) | (isAscii(text) ? kAscii : 0)), out);
}

}  // namespace ingot::text
