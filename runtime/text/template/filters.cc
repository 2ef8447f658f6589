// The part of Interpreter that calls filters: their signatures, and the filters of single values.
#include <algorithm>
#include <cmath>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/html.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

// As Python declares them, by FilterName. `hidden` counts the environment or context, and so does the message about counts.
constexpr Signature kSignatures[] = {
    {"abs", 1, 0, 1, {"value"}},
    {"do_attr", 2, 1, 2, {"obj", "name"}},
    {"do_batch", 2, 0, 3, {"value", "linecount", "fill_with"}},
    {"do_capitalize", 1, 0, 1, {"s"}},
    {"do_center", 1, 0, 2, {"value", "width"}},
    {"len", 1, 0, 1, {"value"}},
    {"do_default", 1, 0, 3, {"value", "default_value", "boolean"}},
    {"do_default", 1, 0, 3, {"value", "default_value", "boolean"}},
    {"do_dictsort", 1, 0, 4, {"value", "case_sensitive", "by", "reverse"}},
    {"escape", 1, 0, 1, {"value"}},
    {"escape", 1, 0, 1, {"value"}},
    {"do_filesizeformat", 1, 0, 2, {"value", "binary"}},
    {"sync_do_first", 1, 1, 1, {"seq"}},
    {"do_float", 1, 0, 2, {"value", "default"}},
    {"do_forceescape", 1, 0, 1, {"value"}},
    {"do_format", 1, 0, 1, {"value"}},
    {"sync_do_groupby", 2, 1, 4, {"value", "attribute", "default", "case_sensitive"}},
    {"do_indent", 1, 0, 4, {"s", "width", "first", "blank"}},
    {"do_int", 1, 0, 3, {"value", "default", "base"}},
    {"do_items", 1, 0, 1, {"value"}},
    {"sync_do_join", 1, 1, 3, {"value", "d", "attribute"}},
    {"do_last", 1, 1, 1, {"seq"}},
    {"len", 1, 0, 1, {"value"}},
    {"sync_do_list", 1, 0, 1, {"value"}},
    {"do_lower", 1, 0, 1, {"s"}},
    {"sync_do_map", 1, 1, 1, {"value"}},
    {"do_max", 1, 1, 3, {"value", "case_sensitive", "attribute"}},
    {"do_min", 1, 1, 3, {"value", "case_sensitive", "attribute"}},
    {"do_pprint", 1, 0, 1, {"value"}},
    {"do_random", 1, 1, 1, {"seq"}},
    {"sync_do_reject", 1, 1, 1, {"value"}},
    {"sync_do_rejectattr", 1, 1, 1, {"value"}},
    {"do_replace", 3, 1, 4, {"s", "old", "new", "count"}},
    {"do_reverse", 1, 0, 1, {"value"}},
    {"do_round", 1, 0, 3, {"value", "precision", "method"}},
    {"do_mark_safe", 1, 0, 1, {"value"}},
    {"sync_do_select", 1, 1, 1, {"value"}},
    {"sync_do_selectattr", 1, 1, 1, {"value"}},
    {"sync_do_slice", 2, 0, 3, {"value", "slices", "fill_with"}},
    {"do_sort", 1, 1, 4, {"value", "reverse", "case_sensitive", "attribute"}},
    {"soft_str", 1, 0, 1, {"s"}},
    {"do_striptags", 1, 0, 1, {"value"}},
    {"sync_do_sum", 1, 1, 3, {"iterable", "attribute", "start"}},
    {"do_title", 1, 0, 1, {"s"}},
    {"_cached_compile_jinja_template.<locals>.tojson", 1, 0, 5, {"x", "ensure_ascii", "indent", "separators", "sort_keys"}},
    {"do_trim", 1, 0, 2, {"value", "chars"}},
    {"do_truncate", 1, 1, 5, {"s", "length", "killwords", "end", "leeway"}},
    {"sync_do_unique", 1, 1, 3, {"value", "case_sensitive", "attribute"}},
    {"do_upper", 1, 0, 1, {"s"}},
    {"do_urlencode", 1, 0, 1, {"value"}},
    {"do_urlize", 1, 1, 6, {"value", "trim_url_limit", "nofollow", "target", "rel", "extra_schemes"}},
    {"do_wordcount", 1, 0, 1, {"s"}},
    {"do_wordwrap", 1, 1, 5, {"s", "width", "break_long_words", "wrapstring", "break_on_hyphens"}},
    {"do_xmlattr", 1, 1, 2, {"d", "autospace"}},
};
static_assert(std::size(kSignatures) == static_cast<size_t>(FilterName::xmlattr) + 1);

bool isMissing(const Value& value) { return value.is(Tag::missing); }

bool absoluteOf(Interpreter& self, const Value& value, Value& out) {
  if (value.is(Tag::real)) return out = makeReal(std::fabs(value.real)), true;
  bool isWhole = value.isInteger() || value.is(Tag::bigInteger);
  if (!isWhole) return self.failType("bad operand type for abs(): '" + std::string(self.typeName(value)) + "'");
  bool negative = value.is(Tag::bigInteger) ? value.big->negative : value.small() < 0;
  return self.unary(negative ? Operator::negate : Operator::plus, value, out);
}

// int(value) of what is no text: false, without failing, where Python raises TypeError or ValueError.
bool wholeOf(Interpreter& self, const Value& value, Value& out, bool& isInfinite) {
  if (value.isInteger() || value.is(Tag::bigInteger)) return out = value.is(Tag::boolean) ? makeInteger(value.small()) : value, true;
  if (!value.is(Tag::real) || std::isnan(value.real)) return false;
  isInfinite = std::isinf(value.real);
  if (isInfinite) return false;
  out = make(self.arena(), Integer::of(value.real));
  return true;
}

bool intFilter(Interpreter& self, const Value* bound, Value& out) {
  const Value& value = bound[0];
  int64_t base = 10;
  bool isInfinite = false;
  if (value.is(Tag::undefined)) return self.failUndefined(value);
  if (!isMissing(bound[2]) && value.isText() && !self.asIndex(bound[2], base)) return false;
  Value fallback = isMissing(bound[1]) ? makeInteger(0) : bound[1];
  if (value.isText()) {
    if (base == 0 || (base >= 2 && base <= 36))
      if (auto integer = integerFromText(value.text(), static_cast<int>(base))) return out = make(self.arena(), *integer), true;
    auto real = realFromText(value.text());
    if (!real || !std::isfinite(*real)) return out = fallback, true;
    out = make(self.arena(), Integer::of(*real));
    return true;
  }
  if (wholeOf(self, value, out, isInfinite)) return true;
  if (isInfinite) return self.fail("OverflowError", "cannot convert float infinity to integer");
  out = fallback;
  return true;
}

bool floatFilter(Interpreter& self, const Value* bound, Value& out) {
  const Value& value = bound[0];
  out = isMissing(bound[1]) ? makeReal(0) : bound[1];
  if (value.is(Tag::undefined)) return self.failUndefined(value);
  if (value.is(Tag::real)) return out = value, true;
  if (value.isInteger()) return out = makeReal(static_cast<double>(value.small())), true;
  if (value.is(Tag::bigInteger)) {
    double real = toReal(*value.big);
    if (std::isinf(real)) return self.fail("OverflowError", "int too large to convert to float");
    return out = makeReal(real), true;
  }
  if (value.isText())
    if (auto real = realFromText(value.text())) out = makeReal(*real);
  return true;
}

double roundHalfEven(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 323) return value;
  if (precision < -308) return std::copysign(0.0, value);
  if (precision >= 0) return *realFromText(formatReal(value, static_cast<int>(precision), 'f', false));
  double scale = std::pow(10.0, static_cast<double>(-precision)), scaled = value / scale, rounded = std::nearbyint(scaled);
  return rounded * scale;
}

bool roundFilter(Interpreter& self, const Value* bound, Value& out) {
  const Value& value = bound[0];
  int64_t precision = 0;
  std::string_view method = isMissing(bound[2]) ? "common" : bound[2].isText() ? bound[2].text() : "";
  if (method != "common" && method != "ceil" && method != "floor") return self.fail("FilterArgumentError", "method must be common, ceil or floor");
  bool isWhole = value.isInteger() || value.is(Tag::bigInteger);
  if (!isWhole && !value.is(Tag::real)) {
    if (value.is(Tag::undefined))
      return method == "common" ? self.failType("type Undefined doesn't define __round__ method") : self.failUndefined(value);
    if (method == "common") return self.failType("type " + std::string(self.typeName(value)) + " doesn't define __round__ method");
    return self.failType("can't multiply sequence by non-int of type 'float'");
  }
  if (!isMissing(bound[1]) && !self.asIndex(bound[1], precision)) return false;
  if (method == "common") {
    if (value.is(Tag::real)) return out = makeReal(roundHalfEven(value.real, precision)), true;
    if (precision >= 0) return out = value.is(Tag::boolean) ? makeInteger(value.small()) : value, true;
    Value scale, half, rest, quotient;
    if (!self.binary(Operator::power, makeInteger(10), makeInteger(-precision), scale)) return false;
    if (!self.binary(Operator::floorDivide, value, scale, quotient) || !self.binary(Operator::modulo, value, scale, rest)) return false;
    if (!self.binary(Operator::multiply, rest, makeInteger(2), half)) return false;
    NumberOrder order = compareNumbers(half, scale);
    Value odd;
    if (!self.binary(Operator::modulo, quotient, makeInteger(2), odd)) return false;
    bool up = order == NumberOrder::greater || (order == NumberOrder::equal && self.truth(odd));
    return self.binary(Operator::add, quotient, makeInteger(up), quotient) && self.binary(Operator::multiply, quotient, scale, out);
  }
  Value scale, scaled, whole;
  if (!self.binary(Operator::power, makeInteger(10), makeInteger(precision), scale) || !self.binary(Operator::multiply, value, scale, scaled))
    return false;
  if (scaled.is(Tag::real)) {
    if (!std::isfinite(scaled.real))
      return self.fail(std::isnan(scaled.real) ? "ValueError" : "OverflowError",
                       std::isnan(scaled.real) ? "cannot convert float NaN to integer" : "cannot convert float infinity to integer");
    whole = make(self.arena(), Integer::of(method == "ceil" ? std::ceil(scaled.real) : std::floor(scaled.real)));
  } else {
    whole = scaled;
  }
  return self.binary(Operator::divide, whole, scale, out);
}

bool fileSizeFilter(Interpreter& self, const Value* bound, Value& out) {
  Value real, args[2] = {bound[0], {}};
  if (bound[0].isText() && !realFromText(bound[0].text()))
    return self.fail("ValueError", "could not convert string to float: " + quotePython(bound[0].text()));
  bool isNumber = bound[0].isText() || bound[0].isInteger() || bound[0].is(Tag::bigInteger) || bound[0].is(Tag::real) || bound[0].is(Tag::undefined);
  if (!isNumber) return self.failType("float() argument must be a string or a real number, not '" + std::string(self.typeName(bound[0])) + "'");
  if (!floatFilter(self, args, real)) return false;
  bool isBinary = !isMissing(bound[1]) && self.truth(bound[1]);
  double bytes = real.real, base = isBinary ? 1024 : 1000, unit = base;
  static constexpr const char* kPrefixes[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
  if (bytes == 1) return self.newText("1 Byte", out);
  if (bytes < base) return self.newText(std::to_string(static_cast<int64_t>(bytes)) + " Bytes", out);
  for (int i = 0; i < 8; ++i) {
    unit *= base;
    if (bytes >= unit && i < 7) continue;
    std::string prefix = kPrefixes[i];
    if (isBinary) prefix = std::string(1, static_cast<char>(prefix[0] & ~32)) + "i";
    return self.newText(formatReal(base * bytes / unit, 1, 'f', false) + " " + prefix + "B", out);
  }
  return false;
}

bool defaultFilter(Interpreter& self, const Value* bound, Value& out) {
  bool isReplaced = bound[0].is(Tag::undefined) || (!isMissing(bound[2]) && self.truth(bound[2]) && !self.truth(bound[0]));
  out = !isReplaced ? bound[0] : isMissing(bound[1]) ? makeText({}, kAscii) : bound[1];
  return true;
}

bool lengthFilter(Interpreter& self, const Value& value, Value& out) {
  int64_t length = 0;
  if (!self.lengthOf(value, length)) return self.failType("object of type '" + std::string(self.typeName(value)) + "' has no len()");
  out = makeInteger(length);
  return true;
}

bool attrFilter(Interpreter& self, const Value* bound, Value& out) {
  bool failed = false;
  if (!bound[1].isText()) return self.failType("attribute name must be string, not '" + std::string(self.typeName(bound[1])) + "'");
  if (bound[0].is(Tag::undefined)) return self.failUndefined(bound[0]);
  if (self.findAttribute(bound[0], bound[1].text(), -1, out, failed)) return !failed;
  return !failed && self.makeUndefined(UndefinedKind::attribute, bound[1], bound[0], out);
}

bool safeFilter(Interpreter& self, const Value& value, Value& out) {
  if (!self.softStr(value, out)) return false;
  out.flags |= kMarkup;
  return true;
}

bool formatFilter(Interpreter& self, const Value& value, const CallArguments& arguments, Value& out) {
  Value format, operand;
  if (arguments.count > 0 && arguments.namedCount > 0)
    return self.fail("FilterArgumentError", "can't handle positional and keyword arguments at the same time");
  if (!self.softStr(value, format)) return false;
  if (arguments.namedCount == 0) {
    if (!self.newListOf({arguments.positional, arguments.positional + arguments.count}, operand, Tag::tuple)) return false;
  } else {
    Dict* dict = newDict(self.arena(), arguments.namedCount);
    for (uint32_t i = 0; i < arguments.namedCount; ++i)
      if (!self.put(*dict, arguments.named[i].name, arguments.named[i].value)) return false;
    operand = makeDict(dict);
  }
  return self.formatPercent(format, operand, out);
}

bool isVariadic(FilterName name) {
  using enum FilterName;
  return name == map || name == select || name == reject || name == selectattr || name == rejectattr || name == format;
}

}  // namespace

bool Interpreter::callFilter(FilterName name, const Value& operand, const CallArguments& arguments, Value& out) {
  using enum FilterName;
  Deeper deeper(*this);
  if (!step() || !deeper.ok()) return false;
  if (name == format) return formatFilter(*this, operand, arguments, out);
  if (isVariadic(name)) return lazyFilter(*this, name, operand, arguments, out);
  const Signature& signature = kSignatures[static_cast<size_t>(name)];
  if (name == length || name == count || name == abs || name == escape || name == e) {
    if (arguments.namedCount > 0)
      return failType((name == length || name == count ? "len" : signature.name) + std::string("() takes no keyword arguments"));
    if (arguments.count > 0)
      return failType(std::string(signature.name) + "() takes exactly one argument (" + std::to_string(arguments.count + 1) + " given)");
  }
  Value bound[6];
  if (arguments.count + arguments.namedCount == 0 && signature.required == 1) {
    bound[0] = operand;
  } else {
    std::vector<Value> all{operand};
    all.insert(all.end(), arguments.positional, arguments.positional + arguments.count);
    if (!bind(signature, {all.data(), arguments.count + 1, arguments.named, arguments.namedCount}, bound)) return false;
  }
  switch (name) {
    case abs: return absoluteOf(*this, operand, out);
    case attr: return attrFilter(*this, bound, out);
    case count:
    case length: return lengthFilter(*this, operand, out);
    case d:
    case default_: return defaultFilter(*this, bound, out);
    case e:
    case escape: return Interpreter::escape(operand, out);
    case filesizeformat: return fileSizeFilter(*this, bound, out);
    case float_: return floatFilter(*this, bound, out);
    case int_: return intFilter(*this, bound, out);
    case round: return roundFilter(*this, bound, out);
    case safe: return safeFilter(*this, operand, out);
    case string: return softStr(operand, out);
    case tojson: return toJson(bound[0], {bound, 5, nullptr, 0}, out);
    default: return isTextFilter(name) ? textFilter(*this, name, bound, out) : sequenceFilter(*this, name, bound, out);
  }
}

// A filter or test that select, map and their kin are given by name.
bool Interpreter::callNamed(const Value& name, bool isFilter, const Value& operand, const CallArguments& arguments, Value& out) {
  int known = !name.isText() ? -1 : isFilter ? filterNamed(name.text()) : testNamed(name.text());
  if (known < 0) {
    std::string repr;
    if (!appendRepr(name, repr)) return false;
    std::string message = std::string("No ") + (isFilter ? "filter" : "test") + " named " + repr + ".";
    if (name.is(Tag::undefined)) message += " (" + undefinedMessage(name) + "; did you forget to quote the callable name?)";
    Value unhashable;
    if (!hashable(name, unhashable)) return failType("unhashable type: '" + std::string(typeName(unhashable)) + "'");
    return fail("TemplateRuntimeError", message);
  }
  if (isFilter) return callFilter(static_cast<FilterName>(known), operand, arguments, out);
  bool holds = false;
  if (!callTest(static_cast<TestName>(known), operand, arguments, holds)) return false;
  out = makeBoolean(holds);
  return true;
}

}  // namespace ingot::text
