// The part of Interpreter behind `format % values`: Python's printf-style formatting.
#include <algorithm>
#include <cmath>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

struct Spec {
  bool left = false, plus = false, space = false, zero = false, alternate = false;
  int64_t width = 0, precision = -1;
};

class PercentFormatter {
 public:
  PercentFormatter(Interpreter& interpreter, const Value& format, const Value& operand)
      : self_(interpreter), format_(format.text()), operand_(operand), isMarkup_(format.isMarkup()) {
    isTuple_ = operand.is(Tag::tuple);
    bool hasItems = operand.is(Tag::dict) || operand.is(Tag::list) || operand.is(Tag::range) || operand.is(Tag::undefined);
    isMapping_ = hasItems && !isTuple_;
  }

  bool run(std::string& out) {
    while (at_ < format_.size()) {
      size_t mark = std::min(format_.find('%', at_), format_.size());
      out.append(format_.substr(at_, mark - at_));
      at_ = mark + 1;
      if (mark < format_.size() && (!conversion(out) || !self_.checkGrowth(out))) return false;
    }
    bool isUsed = isTuple_ ? next_ >= operand_.list->size : next_ > 0 || isMapping_;
    return isUsed || self_.failType("not all arguments converted during string formatting");
  }

 private:
  bool conversion(std::string& out) {
    Value key;
    bool hasKey = at_ < format_.size() && format_[at_] == '(';
    if (hasKey && !readKey(key)) return false;
    Spec spec;
    for (; at_ < format_.size(); ++at_) {
      char c = format_[at_];
      if (c == '-') spec.left = true;
      else if (c == '+') spec.plus = true;
      else if (c == ' ') spec.space = true;
      else if (c == '#') spec.alternate = true;
      else if (c == '0') spec.zero = true;
      else break;
    }
    if (!readNumber(spec.width, true, spec)) return false;
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      spec.precision = 0;
      if (!readNumber(spec.precision, false, spec)) return false;
    }
    if (at_ < format_.size() && (format_[at_] == 'h' || format_[at_] == 'l' || format_[at_] == 'L')) ++at_;
    if (at_ >= format_.size()) return self_.fail("ValueError", "incomplete format");
    size_t kindAt = at_;
    uint32_t kind = nextPoint(format_, at_);
    if (kind == '%') return out += '%', true;
    Value value = key;
    if (!hasKey && !nextValue(value)) return false;
    return convert(kind, kindAt, spec, value, out);
  }

  bool readKey(Value& value) {
    if (!isMapping_) return self_.failType("format requires a mapping");
    size_t begin = ++at_;
    for (int depth = 1; depth > 0; ++at_) {
      if (at_ >= format_.size()) return self_.fail("ValueError", "incomplete format key");
      depth += format_[at_] == '(' ? 1 : format_[at_] == ')' ? -1 : 0;
    }
    std::string_view key = format_.substr(begin, at_ - 1 - begin);
    if (operand_.is(Tag::undefined)) return self_.failUndefined(operand_);
    if (!operand_.is(Tag::dict)) return self_.failType(std::string(self_.typeName(operand_)) + " indices must be integers or slices, not str");
    const Value* found = find(*operand_.dict, key);
    if (found == nullptr) return self_.fail("KeyError", quotePython(key));
    value = *found;
    return true;
  }

  bool readNumber(int64_t& number, bool isWidth, Spec& spec) {
    if (at_ < format_.size() && format_[at_] == '*') {
      ++at_;
      Value value;
      if (!nextValue(value)) return false;
      if (!value.isInteger()) return self_.failType("* wants int");
      number = value.small();
      if (isWidth && number < 0) spec.left = true, number = -number;
      return true;
    }
    for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
      number = std::max<int64_t>(number, 0) * 10 + (format_[at_] - '0');
      if (number > INT32_MAX) return self_.fail("ValueError", isWidth ? "width too big" : "precision too big");
    }
    return true;
  }

  bool nextValue(Value& value) {
    uint32_t count = isTuple_ ? operand_.list->size : 1;
    if (next_ >= count) return self_.failType("not enough arguments for format string");
    value = isTuple_ ? operand_.list->items[next_] : operand_;
    ++next_;
    return true;
  }

  bool convert(uint32_t kind, size_t kindAt, const Spec& spec, const Value& value, std::string& out) {
    switch (kind) {
      case 's':
      case 'r':
      case 'a': return convertText(static_cast<char>(kind), spec, value, out);
      case 'd':
      case 'i':
      case 'u':
      case 'o':
      case 'x':
      case 'X': return convertWhole(static_cast<char>(kind), spec, value, out);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': return convertReal(static_cast<char>(kind), spec, value, out);
      case 'c': return convertCharacter(spec, value, out);
      default: {
        char code[16];
        std::snprintf(code, sizeof code, "(0x%x)", kind);
        std::string shown = kind > 31 && kind < 127 ? std::string(1, static_cast<char>(kind)) : "?";
        return self_.fail("ValueError", "unsupported format character '" + shown + "' " + code + " at index " +
                                            std::to_string(countPoints(format_.substr(0, kindAt))));
      }
    }
  }

  bool convertText(char kind, const Spec& spec, const Value& value, std::string& out) {
    std::string text;
    if (!(kind == 's' ? self_.appendStr(value, text) : self_.appendRepr(value, text))) return false;
    if (isMarkup_ && !(kind == 's' && value.isMarkup())) {
      Value plain, escaped;
      if (!self_.newText(text, plain) || !self_.escape(plain, escaped)) return false;
      text = escaped.text();
    }
    if (spec.precision >= 0) text.resize(offsetOf(text, static_cast<uint64_t>(spec.precision)));
    return pad(text, spec, out);
  }

  bool convertCharacter(const Spec& spec, const Value& value, std::string& out) {
    std::string text;
    if (value.isText() && countPoints(value.text()) == 1) text = value.text();
    else if (!value.isInteger()) return self_.failType("%c requires int or char");
    else if (value.small() < 0 || value.small() > 0x10ffff) return self_.fail("OverflowError", "%c arg not in range(0x110000)");
    else appendUtf8(static_cast<uint32_t>(value.small()), text);
    return pad(text, spec, out);
  }

  bool convertWhole(char kind, const Spec& spec, const Value& value, std::string& out) {
    bool isNumber = value.isInteger() || value.is(Tag::bigInteger);
    bool isDecimal = kind == 'd' || kind == 'i' || kind == 'u';
    Integer integer;
    if (isNumber) integer = Integer::of(value);
    else if (value.is(Tag::real) && isDecimal) {
      if (!std::isfinite(value.real))
        return self_.fail(std::isnan(value.real) ? "ValueError" : "OverflowError",
                          std::isnan(value.real) ? "cannot convert float NaN to integer" : "cannot convert float infinity to integer");
      integer = Integer::of(value.real);
    } else if (value.is(Tag::undefined) && isDecimal) {
      return self_.failUndefined(value);
    } else {
      return self_.failType(std::string("%") + kind + " format: " + (isDecimal ? "a real number" : "an integer") + " is required, not " +
                            std::string(self_.typeName(value)));
    }
    if (integer.limbs.size() > 450 && isDecimal) {
      std::string ignored;
      if (!self_.appendRepr(value, ignored)) return false;
    }
    std::string digits = toBase(integer, isDecimal ? 10 : kind == 'o' ? 8 : 16);
    if (kind == 'X') std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
    if (spec.precision > static_cast<int64_t>(digits.size())) {
      if (static_cast<uint64_t>(spec.precision) > self_.limits().maxMemoryBytes) return self_.failLimit("memory", self_.limits().maxMemoryBytes);
      digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
    }
    std::string sign = integer.negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
    if (spec.alternate && !isDecimal) sign += kind == 'o' ? "0o" : kind == 'x' ? "0x" : "0X";
    return padNumber(sign, digits, spec, out);
  }

  bool convertReal(char kind, const Spec& spec, const Value& value, std::string& out) {
    double real = 0;
    if (value.is(Tag::real)) real = value.real;
    else if (value.isInteger()) real = static_cast<double>(value.small());
    else if (value.is(Tag::bigInteger)) real = toReal(*value.big);
    else if (value.is(Tag::undefined)) return self_.failUndefined(value);
    else return self_.failType("must be real number, not " + std::string(self_.typeName(value)));
    if (spec.precision > 1 << 20) return self_.failLimit("memory", self_.limits().maxMemoryBytes);
    std::string digits = formatReal(real, spec.precision < 0 ? 6 : static_cast<int>(spec.precision), kind, spec.alternate);
    std::string sign = spec.plus ? "+" : spec.space ? " " : "";
    if (digits.starts_with('-')) sign = "-", digits.erase(0, 1);
    Spec plain = spec;
    if (!std::isfinite(real)) plain.zero = false;
    return padNumber(sign, digits, plain, out);
  }

  bool padNumber(const std::string& sign, std::string digits, const Spec& spec, std::string& out) {
    auto width = static_cast<size_t>(spec.width);
    if (width > self_.limits().maxMemoryBytes) return self_.failLimit("memory", self_.limits().maxMemoryBytes);
    if (spec.zero && !spec.left && sign.size() + digits.size() < width) digits.insert(0, width - sign.size() - digits.size(), '0');
    return pad(sign + digits, spec, out);
  }

  bool pad(const std::string& text, const Spec& spec, std::string& out) {
    auto size = static_cast<int64_t>(countPoints(text));
    int64_t missing = std::max<int64_t>(0, spec.width - size);
    if (static_cast<uint64_t>(missing) > self_.limits().maxMemoryBytes) return self_.failLimit("memory", self_.limits().maxMemoryBytes);
    if (!spec.left) out.append(static_cast<size_t>(missing), ' ');
    out += text;
    if (spec.left) out.append(static_cast<size_t>(missing), ' ');
    return true;
  }

  Interpreter& self_;
  std::string_view format_;
  const Value& operand_;
  bool isMarkup_, isTuple_, isMapping_;
  size_t at_ = 0;
  uint32_t next_ = 0;
};

}  // namespace

bool Interpreter::formatPercent(const Value& format, const Value& operand, Value& out) {
  std::string text;
  return PercentFormatter(*this, format, operand).run(text) &&
         newText(text, static_cast<uint8_t>((format.flags & kMarkup) | (isAscii(text) ? kAscii : 0)), out);
}

}  // namespace ingot::text
