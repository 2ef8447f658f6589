// The part of Interpreter that calls methods of texts.
#include <algorithm>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/html.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

using enum MethodName;

bool isMissing(const Value& value) { return value.is(Tag::missing); }

// The bytes [begin, end) of `text` that optional code point bounds name; false when they are no integers.
bool bounds(Interpreter& self, const Value& text, const Value& startValue, const Value& stopValue, size_t& begin, size_t& end, bool& inside) {
  int64_t size = static_cast<int64_t>(countPoints(text.text())), start = 0, stop = size;
  for (auto [value, bound] : {std::pair{&startValue, &start}, std::pair{&stopValue, &stop}}) {
    if (isMissing(*value) || value->is(Tag::none)) continue;
    if (!value->isInteger() && !value->is(Tag::bigInteger))
      return self.failType("slice indices must be integers or None or have an __index__ method");
    if (!self.asIndex(*value, *bound)) return false;
    if (*bound < 0) *bound = std::max<int64_t>(0, *bound + size);
  }
  inside = start <= size;
  stop = std::min(stop, size);
  begin = offsetOf(text.text(), static_cast<uint64_t>(std::min(start, size)));
  end = std::max(begin, offsetOf(text.text(), static_cast<uint64_t>(stop)));
  inside = inside && start <= std::max(stop, start);
  if (start > stop) inside = false;
  return true;
}

bool needText(Interpreter& self, const Value& value, std::string_view method, const char* argument) {
  if (value.isText()) return true;
  return self.failType(std::string(method) + "() argument " + argument + " must be str, not " +
                       std::string(self.typeName(value) == "NoneType" ? "None" : self.typeName(value)));
}

bool listOf(Interpreter& self, const std::vector<std::string_view>& parts, uint8_t flags, Value& out) {
  List* list;
  if (!self.allocateList(parts.size(), list)) return false;
  for (size_t i = 0; i < parts.size(); ++i) list->items[i] = makeText(parts[i], flags);
  out = makeList(list);
  return self.step(parts.size());
}

bool stripMethod(Interpreter& self, const Value& text, MethodName name, const CallArguments& arguments, Value& out) {
  if (!self.checkCount("str." + std::string(methodText(name)), arguments, 0, 1) && arguments.namedCount == 0) return false;
  if (arguments.namedCount > 0) return false;
  int sides = name == strip ? kBoth : name == lstrip ? kLeft : kRight;
  bool isDefault = arguments.count == 0 || arguments.positional[0].is(Tag::none);
  if (!isDefault && !arguments.positional[0].isText()) return self.failType(std::string(methodText(name)) + " arg must be None or str");
  std::string_view stripped = isDefault ? stripSpaces(text.text(), sides) : stripCharacters(text.text(), arguments.positional[0].text(), sides);
  out = makeText(stripped, text.flags);
  return true;
}

bool splitMethod(Interpreter& self, const Value& text, MethodName name, const CallArguments& arguments, Value& out) {
  Value bound[2];
  std::string label(methodText(name));
  if (arguments.count + arguments.namedCount > 2)
    return self.failType(label + "() takes at most 2 arguments (" + std::to_string(arguments.count + arguments.namedCount) + " given)");
  if (!self.bind({name == split ? "split" : "rsplit", 0, 0, 2, {"sep", "maxsplit"}}, arguments, bound)) return false;
  int64_t limit = -1;
  if (!isMissing(bound[1]) && !self.asIndex(bound[1], limit)) return false;
  if (isMissing(bound[0]) || bound[0].is(Tag::none)) return listOf(self, splitSpaces(text.text(), limit, name == rsplit), text.flags, out);
  if (!bound[0].isText()) return self.failType("must be str or None, not " + std::string(self.typeName(bound[0])));
  if (bound[0].length == 0) return self.fail("ValueError", "empty separator");
  return listOf(self, splitAt(text.text(), bound[0].text(), limit, name == rsplit), text.flags, out);
}

bool edgeMethod(Interpreter& self, const Value& text, MethodName name, const CallArguments& arguments, Value& out) {
  std::string label(methodText(name));
  if (arguments.namedCount > 0) return self.failType("str." + label + "() takes no keyword arguments");
  if (arguments.count == 0) return self.failType(label + "() takes at least 1 argument (0 given)");
  if (arguments.count > 3) return self.failType(label + "() takes at most 3 arguments (" + std::to_string(arguments.count) + " given)");
  size_t begin, end;
  bool inside;
  Value none;
  if (!bounds(self, text, arguments.count > 1 ? arguments.positional[1] : none, arguments.count > 2 ? arguments.positional[2] : none, begin, end,
              inside))
    return false;
  std::string_view part = text.text().substr(begin, end - begin);
  auto matches = [&](const Value& edge) { return inside && (name == startswith ? part.starts_with(edge.text()) : part.ends_with(edge.text())); };
  const Value& wanted = arguments.positional[0];
  if (wanted.isText()) return out = makeBoolean(matches(wanted)), true;
  if (!wanted.is(Tag::tuple)) return self.failType(label + " first arg must be str or a tuple of str, not " + std::string(self.typeName(wanted)));
  out = makeBoolean(false);
  for (uint32_t i = 0; i < wanted.list->size; ++i) {
    const Value& edge = wanted.list->items[i];
    if (!edge.isText()) return self.failType("tuple for " + label + " must only contain str, not " + std::string(self.typeName(edge)));
    if (matches(edge)) return out = makeBoolean(true), true;
  }
  return true;
}

bool searchMethod(Interpreter& self, const Value& text, MethodName name, const CallArguments& arguments, Value& out) {
  std::string label(methodText(name));
  if (arguments.namedCount > 0) return self.failType("str." + label + "() takes no keyword arguments");
  if (arguments.count == 0) return self.failType(label + "() takes at least 1 argument (0 given)");
  if (arguments.count > 3) return self.failType(label + "() takes at most 3 arguments (" + std::to_string(arguments.count) + " given)");
  if (!arguments.positional[0].isText()) return self.failType("must be str, not " + std::string(self.typeName(arguments.positional[0])));
  size_t begin, end;
  bool inside;
  Value none;
  if (!bounds(self, text, arguments.count > 1 ? arguments.positional[1] : none, arguments.count > 2 ? arguments.positional[2] : none, begin, end,
              inside))
    return false;
  std::string_view part = text.text().substr(begin, end - begin), wanted = arguments.positional[0].text();
  if (name == count) {
    int64_t found = 0;
    if (wanted.empty()) return out = makeInteger(inside ? static_cast<int64_t>(countPoints(part)) + 1 : 0), true;
    for (size_t at = 0; (at = part.find(wanted, at)) != std::string_view::npos; at += wanted.size()) ++found;
    return out = makeInteger(inside ? found : 0), true;
  }
  size_t at = !inside ? std::string_view::npos : name == rfind || name == rindex ? part.rfind(wanted) : part.find(wanted);
  bool found = at != std::string_view::npos;
  if (!found && (name == MethodName::index || name == rindex)) return self.fail("ValueError", "substring not found");
  out = makeInteger(found ? static_cast<int64_t>(countPoints(text.text().substr(0, begin + at))) : -1);
  return true;
}

bool padMethod(Interpreter& self, const Value& text, MethodName name, const CallArguments& arguments, Value& out) {
  std::string label(methodText(name));
  if (!self.checkCount(name == zfill ? "str.zfill" : label, arguments, 1, name == zfill ? 1 : 2)) return false;
  int64_t width;
  if (!self.asIndex(arguments.positional[0], width)) return false;
  std::string_view fill = name == zfill ? "0" : " ";
  if (arguments.count == 2) {
    if (!arguments.positional[1].isText())
      return self.failType("The fill character must be a unicode character, not " + std::string(self.typeName(arguments.positional[1])));
    fill = arguments.positional[1].text();
    if (countPoints(fill) != 1) return self.failType("The fill character must be exactly one character long");
  }
  auto size = static_cast<int64_t>(countPoints(text.text()));
  if (width <= size) return out = text, true;
  auto missing = static_cast<uint64_t>(width - size);
  if (missing > self.limits().maxMemoryBytes / fill.size()) return self.failLimit("memory", self.limits().maxMemoryBytes);
  uint64_t left = name == ljust ? 0 : name == center ? missing / 2 + (missing & static_cast<uint64_t>(width) & 1) : missing;
  std::string padded;
  std::string_view body = text.text();
  if (name == zfill && (body.starts_with('-') || body.starts_with('+'))) {
    padded += body[0];
    body.remove_prefix(1);
  }
  for (uint64_t i = 0; i < left; ++i) padded.append(fill);
  padded.append(body);
  for (uint64_t i = left; i < missing; ++i) padded.append(fill);
  return self.newText(padded, static_cast<uint8_t>(text.flags & (fill.size() == 1 ? 0xff : ~kAscii)), out);
}

bool joinMethod(Interpreter& self, const Value& text, const CallArguments& arguments, Value& out) {
  if (!self.checkCount("str.join", arguments, 1, 1)) return false;
  std::vector<Value> items;
  if (!self.isIterable(arguments.positional[0])) return self.failType("can only join an iterable");
  if (!self.collect(arguments.positional[0], items)) return false;
  std::string joined;
  for (size_t i = 0; i < items.size(); ++i) {
    if (text.isMarkup() && !self.escape(items[i], items[i])) return false;
    if (!items[i].isText())
      return self.failType("sequence item " + std::to_string(i) + ": expected str instance, " + std::string(self.typeName(items[i])) + " found");
    if (i > 0) joined.append(text.text());
    joined.append(items[i].text());
    if (!self.checkGrowth(joined)) return false;
  }
  return self.newText(joined, static_cast<uint8_t>((text.flags & kMarkup) | (isAscii(joined) ? kAscii : 0)), out);
}

bool partitionMethod(Interpreter& self, const Value& text, MethodName name, const CallArguments& arguments, Value& out) {
  if (!self.checkCount("str." + std::string(methodText(name)), arguments, 1, 1)) return false;
  const Value& separator = arguments.positional[0];
  if (!separator.isText()) return self.failType("must be str, not " + std::string(self.typeName(separator)));
  if (separator.length == 0) return self.fail("ValueError", "empty separator");
  std::string_view whole = text.text();
  size_t at = name == partition ? whole.find(separator.text()) : whole.rfind(separator.text());
  Value empty = makeText({}, text.flags | kAscii),
        middle = makeText(separator.text(), static_cast<uint8_t>(separator.flags | (text.flags & kMarkup)));
  if (at == std::string_view::npos)
    return name == partition ? self.newListOf({text, empty, empty}, out, Tag::tuple) : self.newListOf({empty, empty, text}, out, Tag::tuple);
  return self.newListOf({makeText(whole.substr(0, at), text.flags), middle, makeText(whole.substr(at + separator.length), text.flags)}, out,
                        Tag::tuple);
}

bool replaceMethod(Interpreter& self, const Value& text, const CallArguments& arguments, Value& out) {
  if (arguments.namedCount > 0) return self.failType("str.replace() takes no keyword arguments");
  if (arguments.count < 2) return self.failType("replace expected at least 2 arguments, got " + std::to_string(arguments.count));
  if (arguments.count > 3) return self.failType("replace expected at most 3 arguments, got " + std::to_string(arguments.count));
  Value old = arguments.positional[0], with = arguments.positional[1];
  if (!needText(self, old, "replace", "1")) return false;
  if (text.isMarkup() && !self.escape(with, with)) return false;
  if (!needText(self, with, "replace", "2")) return false;
  int64_t limit = -1;
  if (arguments.count == 3 && !self.asIndex(arguments.positional[2], limit)) return false;
  std::string replaced = replaceAll(text.text(), old.text(), with.text(), limit, self.limits().maxMemoryBytes);
  return self.step(1 + text.length / 64) && self.checkGrowth(replaced) &&
         self.newText(replaced, static_cast<uint8_t>((text.flags & kMarkup) | (text.flags & with.flags & kAscii)), out);
}

bool caseMethod(Interpreter& self, const Value& text, MethodName name, Value& out) {
  std::string mapped;
  switch (name) {
    case upper: appendCase(text.text(), CaseMap::upper, mapped); break;
    case lower: appendCase(text.text(), CaseMap::lower, mapped); break;
    case casefold: appendCase(text.text(), CaseMap::fold, mapped); break;
    case MethodName::capitalize: mapped = text::capitalize(text.text()); break;
    case title: mapped = titleCase(text.text()); break;
    default: mapped = swapCase(text.text());
  }
  return self.step(1 + text.length / 16) && self.newText(mapped, text.flags, out);
}

bool isKind(const Value& text, MethodName name) {
  std::string_view whole = text.text();
  switch (name) {
    case isalnum: return allOfClass(whole, kAlpha | kDecimal | kDigit | kNumeric);
    case isalpha: return allOfClass(whole, kAlpha);
    case isascii: return isAscii(whole);
    case isdecimal: return allOfClass(whole, kDecimal);
    case isdigit: return allOfClass(whole, kDigit);
    case isnumeric: return allOfClass(whole, kNumeric);
    case isspace: return allOfClass(whole, kSpace);
    case isprintable: return whole.empty() || allOfClass(whole, kPrintable);
    case islower: return isLower(whole);
    case isupper: return isUpper(whole);
    case istitle: return isTitle(whole);
    default: {
      size_t first = 0;
      bool starts = !whole.empty() && (classOf(nextPoint(whole, first)) & kIdentifierStart);
      return starts && (first == whole.size() || allOfClass(whole.substr(first), kIdentifier));
    }
  }
}

}  // namespace

bool Interpreter::callTextMethod(const Value& text, MethodName name, const CallArguments& arguments, Value& out) {
  std::string label = "str." + std::string(methodText(name));
  switch (name) {
    case strip:
    case lstrip:
    case rstrip: return arguments.namedCount > 0 ? failType(label + "() takes no keyword arguments") : stripMethod(*this, text, name, arguments, out);
    case split:
    case rsplit: return splitMethod(*this, text, name, arguments, out);
    case startswith:
    case endswith: return edgeMethod(*this, text, name, arguments, out);
    case MethodName::find:
    case rfind:
    case MethodName::index:
    case rindex:
    case count: return searchMethod(*this, text, name, arguments, out);
    case center:
    case ljust:
    case rjust:
    case zfill: return padMethod(*this, text, name, arguments, out);
    case join: return joinMethod(*this, text, arguments, out);
    case partition:
    case rpartition: return partitionMethod(*this, text, name, arguments, out);
    case replace: return replaceMethod(*this, text, arguments, out);
    case upper:
    case lower:
    case casefold:
    case MethodName::capitalize:
    case title:
    case swapcase: return checkCount(label, arguments, 0, 0) && caseMethod(*this, text, name, out);
    case removeprefix:
    case removesuffix: {
      if (!checkCount(label, arguments, 1, 1) || !needText(*this, arguments.positional[0], methodText(name), "")) return false;
      std::string_view whole = text.text(), part = arguments.positional[0].text();
      if (name == removeprefix && whole.starts_with(part)) whole.remove_prefix(part.size());
      if (name == removesuffix && whole.ends_with(part)) whole.remove_suffix(part.size());
      out = makeText(whole, text.flags);
      return true;
    }
    case splitlines: {
      Value bound[1];
      if (!bind({"splitlines", 0, 0, 1, {"keepends"}}, arguments, bound)) return false;
      return listOf(*this, splitLines(text.text(), !isMissing(bound[0]) && truth(bound[0])), text.flags, out);
    }
    case expandtabs: {
      Value bound[1];
      int64_t size = 8;
      if (!bind({"expandtabs", 0, 0, 1, {"tabsize"}}, arguments, bound) || (!isMissing(bound[0]) && !asIndex(bound[0], size))) return false;
      std::string expanded = expandTabs(text.text(), size, limits_.maxMemoryBytes);
      return checkGrowth(expanded) && newText(expanded, text.flags, out);
    }
    case format: return formatBraces(text, arguments, out);
    case format_map: {
      if (arguments.namedCount > 0) return failType("format_map() takes no keyword arguments");
      if (arguments.count != 1) return failType("format_map() takes exactly one argument (" + std::to_string(arguments.count) + " given)");
      std::vector<NamedValue> named;
      const Value& mapping = arguments.positional[0];
      if (!mapping.is(Tag::dict)) return failType("'" + std::string(typeName(mapping)) + "' object is not a mapping");
      for (uint32_t i = 0; i < mapping.dict->size; ++i)
        if (mapping.dict->entries[i].key.isText()) named.push_back({mapping.dict->entries[i].key, mapping.dict->entries[i].value});
      return formatBraces(text, {nullptr, 0, named.data(), static_cast<uint32_t>(named.size())}, out);
    }
    case isalnum:
    case isalpha:
    case isascii:
    case isdecimal:
    case isdigit:
    case isidentifier:
    case islower:
    case isnumeric:
    case isprintable:
    case isspace:
    case istitle:
    case isupper:
      if (!checkCount(label, arguments, 0, 0)) return false;
      out = makeBoolean(isKind(text, name));
      return true;
    case unescape: return newText(unescapeHtml(text.text()), out);
    case striptags: return newText(stripTags(text.text()), out);
    case MethodName::escape: return checkCount("escape", arguments, 1, 1) && escape(arguments.positional[0], out);
    default: return fail("unsupported", label + "() is not offered in templates");
  }
}

}  // namespace ingot::text
