// Filters over texts.
#include <algorithm>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/html.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

bool isMissing(const Value& value) { return value.is(Tag::missing); }
bool flagOf(Interpreter& self, const Value& value, bool fallback) { return isMissing(value) ? fallback : self.truth(value); }

bool indentFilter(Interpreter& self, const Value* bound, Value& out) {
  const Value& text = bound[0];
  std::string indention(4, ' ');
  if (bound[1].isText()) {
    indention = bound[1].text();
  } else if (!isMissing(bound[1])) {
    if (!bound[1].isInteger()) return self.failType("can't multiply sequence by non-int of type '" + std::string(self.typeName(bound[1])) + "'");
    int64_t width = std::max<int64_t>(bound[1].small(), 0);
    if (static_cast<uint64_t>(width) > self.limits().maxMemoryBytes) return self.failLimit("memory", self.limits().maxMemoryBytes);
    indention.assign(static_cast<size_t>(width), ' ');
  }
  if (text.is(Tag::undefined)) return self.failUndefined(text);
  if (text.is(Tag::list)) return self.fail("AttributeError", "'list' object has no attribute 'splitlines'");
  if (!text.isText())
    return self.failType(text.is(Tag::tuple) ? "can only concatenate tuple (not \"str\") to tuple"
                                             : "unsupported operand type(s) for +=: '" + std::string(self.typeName(text)) + "' and 'str'");
  bool first = flagOf(self, bound[2], false), blank = flagOf(self, bound[3], false);
  std::string whole = std::string(text.text()) + "\n", result;
  bool isFirstLine = true;
  for (std::string_view line : splitLines(whole, false)) {
    if (!isFirstLine) {
      result += '\n';
      if (blank || !line.empty()) result += indention;
    }
    result.append(line);
    isFirstLine = false;
    if (!self.checkGrowth(result)) return false;
  }
  if (first) result.insert(0, indention);
  return self.newText(result, text.flags & kMarkup ? kMarkup : isAscii(result) ? kAscii : 0, out);
}

bool truncateFilter(Interpreter& self, const Value* bound, Value& out) {
  int64_t length = 255, leeway = 5, size = 0, endSize = 3;
  Value end = isMissing(bound[3]) ? makeText("...", kAscii) : bound[3];
  if (!isMissing(bound[1]) && !self.asIndex(bound[1], length)) return false;
  if (!isMissing(bound[4]) && !bound[4].is(Tag::none) && !self.asIndex(bound[4], leeway)) return false;
  if (!self.lengthOf(end, endSize)) return self.failType("object of type '" + std::string(self.typeName(end)) + "' has no len()");
  if (length < endSize) return self.fail("AssertionError", "expected length >= " + std::to_string(endSize) + ", got " + std::to_string(length));
  if (leeway < 0) return self.fail("AssertionError", "expected leeway >= 0, got " + std::to_string(leeway));
  if (!self.lengthOf(bound[0], size)) return self.failType("object of type '" + std::string(self.typeName(bound[0])) + "' has no len()");
  if (size <= length + leeway) return out = bound[0], true;
  Value cut;
  if (!self.sliceOf(bound[0], makeNone(), makeInteger(length - endSize), makeNone(), cut)) return false;
  if (!flagOf(self, bound[2], false)) {
    if (!cut.isText()) return self.fail("AttributeError", "'" + std::string(self.typeName(cut)) + "' object has no attribute 'rsplit'");
    cut = makeText(splitAt(cut.text(), " ", 1, true)[0], cut.flags);
  }
  return self.binary(Operator::add, cut, end, out);
}

bool replaceFilter(Interpreter& self, const Value* bound, Value& out) {
  Value text = bound[0], old = bound[1], with = bound[2];
  int64_t limit = -1;
  if (!isMissing(bound[3]) && !bound[3].is(Tag::none) && !self.asIndex(bound[3], limit)) return false;
  uint8_t markup = 0;
  if (!self.autoescape()) {
    if (!self.str(text, text) || !self.str(old, old) || !self.str(with, with)) return false;
  } else {
    bool escapes = old.isMarkup() || (with.isMarkup() && !text.isMarkup());
    if (!(escapes ? self.escape(text, text) : self.softStr(text, text)) || !self.softStr(old, old) || !self.softStr(with, with)) return false;
    if (text.isMarkup() && !self.escape(with, with)) return false;
    markup = text.flags & kMarkup;
  }
  std::string replaced = replaceAll(text.text(), old.text(), with.text(), limit, self.limits().maxMemoryBytes);
  return self.step(1 + text.length / 64) && self.checkGrowth(replaced) &&
         self.newText(replaced, static_cast<uint8_t>(markup | (text.flags & with.flags & kAscii)), out);
}

// Words begin after white space, hyphens and opening brackets.
std::string titleWords(std::string_view text) {
  std::string out, rest;
  auto flush = [&] {
    size_t first = 0;
    if (!rest.empty()) nextPoint(rest, first);
    appendCase(std::string_view(rest).substr(0, first), CaseMap::upper, out);
    appendCase(std::string_view(rest).substr(first), CaseMap::lower, out);
    rest.clear();
  };
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    uint32_t point = nextPoint(text, at);
    bool parts = point == '-' || point == '(' || point == '{' || point == '[' || point == '<' || isSpaceAt(point);
    if (parts) flush(), out.append(text.substr(begin, at - begin));
    else rest.append(text.substr(begin, at - begin));
  }
  flush();
  return out;
}

bool caseFilter(Interpreter& self, FilterName name, const Value& value, Value& out) {
  Value text;
  std::string mapped;
  if (!self.softStr(value, text) || !self.step(1 + text.length / 16)) return false;
  if (name == FilterName::upper) appendCase(text.text(), CaseMap::upper, mapped);
  else if (name == FilterName::lower) appendCase(text.text(), CaseMap::lower, mapped);
  else if (name == FilterName::capitalize) mapped = capitalize(text.text());
  else mapped = titleWords(text.text());
  return self.newText(mapped, name == FilterName::title ? text.flags & kAscii : text.flags, out);
}

bool trimFilter(Interpreter& self, const Value* bound, Value& out) {
  Value text;
  if (!self.softStr(bound[0], text)) return false;
  bool isDefault = isMissing(bound[1]) || bound[1].is(Tag::none);
  if (!isDefault && !bound[1].isText()) return self.failType("strip arg must be None or str");
  out = makeText(isDefault ? stripSpaces(text.text(), kBoth) : stripCharacters(text.text(), bound[1].text(), kBoth), text.flags);
  return true;
}

bool centerFilter(Interpreter& self, const Value* bound, Value& out) {
  Value text, width = isMissing(bound[1]) ? makeInteger(80) : bound[1];
  return self.softStr(bound[0], text) && self.callTextMethod(text, MethodName::center, {&width, 1, nullptr, 0}, out);
}

std::string urlQuote(std::string_view text, bool forQuery) {
  std::string out;
  for (char c : text) {
    bool isPlain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || std::string_view("_.-~").find(c) != std::string_view::npos;
    if (isPlain || (c == '/' && !forQuery)) {
      out += c;
    } else if (c == ' ' && forQuery) {
      out += '+';
    } else {
      out += '%';
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
      out += "0123456789ABCDEF"[c & 15];
    }
  }
  return out;
}

bool urlEncodeFilter(Interpreter& self, const Value& value, Value& out) {
  Value text;
  if (value.isText() || !self.isIterable(value)) return self.str(value, text) && self.newText(urlQuote(text.text(), false), kAscii, out);
  Value source = value;
  if (value.is(Tag::dict)) {
    source = makeTagged(Tag::dictView);
    source.dict = value.dict;
    source.part = static_cast<uint16_t>(DictPart::items);
  }
  std::vector<Value> pairs;
  std::string joined;
  if (!self.collect(source, pairs)) return false;
  for (size_t i = 0; i < pairs.size(); ++i) {
    std::vector<Value> pair;
    if (!self.isIterable(pairs[i])) return self.failType("cannot unpack non-iterable " + std::string(self.typeName(pairs[i])) + " object");
    if (!self.collect(pairs[i], pair)) return false;
    if (pair.size() != 2)
      return self.fail("ValueError", pair.size() < 2 ? "not enough values to unpack (expected 2, got " + std::to_string(pair.size()) + ")"
                                                     : "too many values to unpack (expected 2)");
    if (i > 0) joined += '&';
    if (!self.str(pair[0], text)) return false;
    joined += urlQuote(text.text(), true) + "=";
    if (!self.str(pair[1], text)) return false;
    joined += urlQuote(text.text(), true);
  }
  return self.newText(joined, kAscii, out);
}

bool xmlAttrFilter(Interpreter& self, const Value* bound, Value& out) {
  if (bound[0].is(Tag::undefined)) return self.failUndefined(bound[0]);
  if (!bound[0].is(Tag::dict)) return self.fail("AttributeError", "'" + std::string(self.typeName(bound[0])) + "' object has no attribute 'items'");
  std::string joined;
  for (uint32_t i = 0; i < bound[0].dict->size; ++i) {
    const DictEntry& entry = bound[0].dict->entries[i];
    if (entry.value.is(Tag::none) || entry.value.is(Tag::undefined)) continue;
    if (!entry.key.isText()) return self.failType("expected string or bytes-like object, got '" + std::string(self.typeName(entry.key)) + "'");
    if (entry.key.text().find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos)
      return self.fail("ValueError", "Invalid character in attribute name: " + quotePython(entry.key.text()));
    Value key, value;
    if (!self.escape(entry.key, key) || !self.escape(entry.value, value)) return false;
    if (!joined.empty()) joined += ' ';
    joined.append(key.text()).append("=\"").append(value.text()).append("\"");
  }
  if (!joined.empty() && flagOf(self, bound[1], true)) joined.insert(0, " ");
  return self.newText(joined, static_cast<uint8_t>(self.autoescape() ? kMarkup : 0), out);
}

bool wordCountFilter(Interpreter& self, const Value& value, Value& out) {
  Value text;
  if (!self.softStr(value, text)) return false;
  int64_t words = 0;
  bool inWord = false;
  for (size_t at = 0; at < text.length;) {
    bool isWord = classOf(nextPoint(text.text(), at)) & kWord;
    words += isWord && !inWord;
    inWord = isWord;
  }
  out = makeInteger(words);
  return self.step(1 + text.length / 16);
}

bool wordWrapFilter(Interpreter& self, const Value* bound, Value& out) {
  int64_t width = 79;
  if (!isMissing(bound[1]) && !self.asIndex(bound[1], width)) return false;
  if (bound[0].is(Tag::undefined)) return self.failUndefined(bound[0]);
  if (!bound[0].isText()) return self.fail("AttributeError", "'" + std::string(self.typeName(bound[0])) + "' object has no attribute 'splitlines'");
  std::string_view separator = bound[3].isText() ? bound[3].text() : "\n";
  if (width <= 0 && !splitLines(bound[0].text(), false).empty())
    return self.fail("ValueError", "invalid width " + std::to_string(width) + " (must be > 0)");
  std::string wrapped;
  bool isFirst = true;
  for (std::string_view line : splitLines(bound[0].text(), false)) {
    if (!isFirst) wrapped.append(separator);
    isFirst = false;
    std::vector<std::string> parts = wrapText(line, width, flagOf(self, bound[2], true), flagOf(self, bound[4], true));
    for (size_t i = 0; i < parts.size(); ++i) wrapped.append(i > 0 ? separator : "").append(parts[i]);
    if (!self.step(1 + line.size() / 8) || !self.checkGrowth(wrapped)) return false;
  }
  return self.newText(wrapped, out);
}

bool urlizeFilter(Interpreter& self, const Value* bound, Value& out) {
  Value escaped, target = isMissing(bound[3]) ? makeNone() : bound[3];
  std::vector<std::string_view> words, schemes;
  if (bound[4].isText()) words = splitSpaces(bound[4].text(), -1, false);
  if (flagOf(self, bound[2], false)) words.push_back("nofollow");
  words.push_back("noopener");
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::string rel;
  for (std::string_view word : words) rel.append(rel.empty() ? "" : " ").append(word);
  int64_t limit = -1;
  if (bound[1].isInteger()) limit = bound[1].small();
  std::vector<Value> extra;
  if (!isMissing(bound[5]) && !bound[5].is(Tag::none) && !self.collect(bound[5], extra)) return false;
  for (const Value& scheme : extra) schemes.push_back(scheme.text());
  Value relText, relEscaped;
  if (!self.escape(bound[0], escaped) || !self.newText(rel, relText) || !self.escape(relText, relEscaped)) return false;
  if (!target.is(Tag::none) && !self.escape(target, target)) return false;
  std::string linked = linkUrls(escaped.text(), limit, relEscaped.text(), target.isText() ? target.text() : "", schemes);
  return self.newText(linked, static_cast<uint8_t>(self.autoescape() ? kMarkup : 0), out);
}

}  // namespace

bool isTextFilter(FilterName name) {
  using enum FilterName;
  switch (name) {
    case capitalize:
    case center:
    case forceescape:
    case indent:
    case lower:
    case pprint:
    case replace:
    case striptags:
    case title:
    case trim:
    case truncate:
    case upper:
    case urlencode:
    case urlize:
    case wordcount:
    case wordwrap:
    case xmlattr: return true;
    default: return false;
  }
}

bool textFilter(Interpreter& self, FilterName name, const Value* bound, Value& out) {
  using enum FilterName;
  Value text;
  switch (name) {
    case capitalize:
    case lower:
    case title:
    case upper: return caseFilter(self, name, bound[0], out);
    case center: return centerFilter(self, bound, out);
    case forceescape: return self.str(bound[0], text) && self.escape(text, out);
    case indent: return indentFilter(self, bound, out);
    case pprint: {
      std::string pretty;
      return prettyPrint(self, bound[0], pretty) && self.newText(pretty, out);
    }
    case replace: return replaceFilter(self, bound, out);
    case striptags: return self.str(bound[0], text) && self.newText(stripTags(text.text()), out);
    case trim: return trimFilter(self, bound, out);
    case truncate: return truncateFilter(self, bound, out);
    case urlencode: return urlEncodeFilter(self, bound[0], out);
    case urlize: return urlizeFilter(self, bound, out);
    case wordcount: return wordCountFilter(self, bound[0], out);
    case wordwrap: return wordWrapFilter(self, bound, out);
    case xmlattr: return xmlAttrFilter(self, bound, out);
    default: return self.fail("internal", "unknown filter");
  }
}

}  // namespace ingot::text
