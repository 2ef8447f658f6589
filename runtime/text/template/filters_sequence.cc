// Filters over sequences that do their work at once: sorting, grouping, aggregating.
#include <algorithm>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

bool isMissing(const Value& value) { return value.is(Tag::missing); }
bool flagOf(Interpreter& self, const Value& value) { return !isMissing(value) && self.truth(value); }

bool nextReversed(Interpreter& self, const Value& value, Value& out) {
  if (value.isText()) return self.sliceOf(value, makeNone(), makeNone(), makeInteger(-1), out);
  if (value.is(Tag::list) || value.is(Tag::tuple) || value.is(Tag::dict) || value.is(Tag::dictView) || value.is(Tag::range) ||
      value.is(Tag::undefined))
    return self.reversed(value, out);
  std::vector<Value> items;
  if (!self.isIterable(value)) return self.fail("FilterArgumentError", "argument must be iterable");
  if (!self.collect(value, items)) return false;
  std::reverse(items.begin(), items.end());
  return self.newListOf(items, out);
}

// Keys of each item for sort: a list of the attributes that commas part.
bool sortKeys(Interpreter& self, const std::vector<Value>& items, const Value& attribute, bool caseSensitive, bool many, std::vector<Value>& keys) {
  std::vector<std::vector<Value>> paths;
  if (many && attribute.isText()) {
    std::string_view rest = attribute.text();
    for (size_t comma; (comma = rest.find(',')) != std::string_view::npos; rest.remove_prefix(comma + 1)) {
      paths.emplace_back();
      if (!self.attributePath(makeText(rest.substr(0, comma)), paths.back())) return false;
    }
    paths.emplace_back();
    if (!self.attributePath(makeText(rest), paths.back())) return false;
  } else {
    paths.emplace_back();
    if (!self.attributePath(attribute, paths.back())) return false;
  }
  for (const Value& item : items) {
    std::vector<Value> key(paths.size());
    for (size_t i = 0; i < paths.size(); ++i)
      if (!self.followPath(paths[i], item, {}, key[i]) || (!caseSensitive && !ignoreCase(self, key[i]))) return false;
    keys.emplace_back();
    if (!many) keys.back() = key[0];
    else if (!self.newListOf(key, keys.back())) return false;
  }
  return true;
}

bool sortFilter(Interpreter& self, const Value* bound, Value& out) {
  std::vector<Value> items, keys;
  if (!self.collect(bound[0], items) || !sortKeys(self, items, bound[3], flagOf(self, bound[2]), true, keys)) return false;
  return self.sortValues(items, keys, flagOf(self, bound[1])) && self.newListOf(items, out);
}

bool dictSortFilter(Interpreter& self, const Value* bound, Value& out) {
  bool byKey = isMissing(bound[2]) || (bound[2].isText() && bound[2].text() == "key");
  if (!byKey && !(bound[2].isText() && bound[2].text() == "value"))
    return self.fail("FilterArgumentError", "You can only sort by either \"key\" or \"value\"");
  if (bound[0].is(Tag::undefined)) return self.failUndefined(bound[0]);
  if (!bound[0].is(Tag::dict)) return self.fail("AttributeError", "'" + std::string(self.typeName(bound[0])) + "' object has no attribute 'items'");
  std::vector<Value> items(bound[0].dict->size), keys(bound[0].dict->size);
  for (uint32_t i = 0; i < bound[0].dict->size; ++i) {
    const DictEntry& entry = bound[0].dict->entries[i];
    if (!self.newListOf({entry.key, entry.value}, items[i], Tag::tuple)) return false;
    keys[i] = byKey ? entry.key : entry.value;
    if (!flagOf(self, bound[1]) && !ignoreCase(self, keys[i])) return false;
  }
  return self.sortValues(items, keys, flagOf(self, bound[3])) && self.newListOf(items, out);
}

bool extremeFilter(Interpreter& self, const Value* bound, bool wantsMax, Value& out) {
  std::vector<Value> items, keys;
  if (!self.collect(bound[0], items)) return false;
  if (items.empty()) return self.makeUndefinedHint("No aggregated item, sequence was empty.", out);
  if (!sortKeys(self, items, bound[2], flagOf(self, bound[1]), false, keys)) return false;
  size_t best = 0;
  for (size_t i = 1; i < items.size(); ++i) {
    int order = 0;
    bool unordered = false;
    if (!self.order(keys[i], keys[best], wantsMax ? ">" : "<", order, unordered)) return false;
    if (!unordered && (wantsMax ? order > 0 : order < 0)) best = i;
  }
  out = items[best];
  return true;
}

bool sumFilter(Interpreter& self, const Value* bound, Value& out) {
  std::vector<Value> items, parts;
  out = isMissing(bound[2]) ? makeInteger(0) : bound[2];
  if (!self.collect(bound[0], items)) return false;
  bool hasPath = !isMissing(bound[1]) && !bound[1].is(Tag::none);
  if (hasPath && !self.attributePath(bound[1], parts)) return false;
  if (out.isText()) return self.failType("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : items) {
    Value value;
    if (!self.followPath(parts, item, {}, value) || !self.binary(Operator::add, out, value, out)) return false;
  }
  return true;
}

bool groupFilter(Interpreter& self, const Value* bound, Value& out) {
  std::vector<Value> items, keys, parts, groups;
  bool caseSensitive = flagOf(self, bound[3]);
  Value fallback = bound[2].is(Tag::none) ? Value() : bound[2];
  if (!self.collect(bound[0], items) || !self.attributePath(bound[1], parts)) return false;
  auto keyOf = [&](const Value& item, bool plain, Value& key) {
    return self.followPath(parts, item, fallback, key) && (plain || ignoreCase(self, key));
  };
  for (const Value& item : items)
    if (!keyOf(item, caseSensitive, keys.emplace_back())) return false;
  if (!self.sortValues(items, keys, false)) return false;
  std::vector<Value> group;
  Value current;
  auto close = [&] {
    Value name = current, list, pair;
    if (!caseSensitive && !keyOf(group[0], true, name)) return false;
    if (!self.newListOf(group, list) || !self.newListOf({name, list}, pair, Tag::tuple)) return false;
    pair.flags = kGroup;
    groups.push_back(pair);
    group.clear();
    return true;
  };
  for (const Value& item : items) {
    Value key;
    if (!keyOf(item, caseSensitive, key)) return false;
    bool isSame = group.empty();
    if (!isSame && !self.same(key, current, isSame)) return false;
    if (!isSame && !close()) return false;
    current = key;
    group.push_back(item);
  }
  if (!group.empty() && !close()) return false;
  return self.newListOf(groups, out);
}

bool joinFilter(Interpreter& self, const Value* bound, Value& out) {
  std::vector<Value> items, parts;
  if (!isMissing(bound[2]) && !bound[2].is(Tag::none) && !self.attributePath(bound[2], parts)) return false;
  if (!self.collect(bound[0], items)) return false;
  for (Value& item : items)
    if (!parts.empty() && !self.followPath(parts, item, {}, item)) return false;
  Value separator = isMissing(bound[1]) ? makeText({}, kAscii) : bound[1];
  bool escapes = false;
  if (self.autoescape()) {
    escapes = separator.isMarkup();
    for (const Value& item : items) escapes |= item.isMarkup();
  }
  if (!(escapes ? self.escape(separator, separator) : self.str(separator, separator))) return false;
  std::string joined;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) joined.append(separator.text());
    if (escapes && !self.escape(items[i], items[i])) return false;
    if (!self.appendStr(items[i], joined) || !self.checkGrowth(joined)) return false;
  }
  return self.newText(joined, static_cast<uint8_t>((escapes ? kMarkup : 0) | (isAscii(joined) ? kAscii : 0)), out);
}

bool firstFilter(Interpreter& self, const Value& value, bool last, Value& out) {
  Value source = value;
  Iterator* iterator;
  bool done = false;
  if ((last && !self.reversed(value, source)) || !self.iterate(source, iterator) || !iterator->next(self, *iterator, out, done)) return false;
  return !done || self.makeUndefinedHint(last ? "No last item, sequence was empty." : "No first item, sequence was empty.", out);
}

bool randomFilter(Interpreter& self, const Value& value, Value& out) {
  int64_t size = 0;
  if (!self.lengthOf(value, size)) return self.failType("object of type '" + std::string(self.typeName(value)) + "' has no len()");
  if (size == 0) return self.makeUndefinedHint("No random item, sequence was empty.", out);
  return self.item(value, makeInteger(std::rand() % size), -1, out);
}

}  // namespace

bool sequenceFilter(Interpreter& self, FilterName name, const Value* bound, Value& out) {
  using enum FilterName;
  switch (name) {
    case items:
    case batch:
    case slice:
    case unique: return lazyBoundFilter(self, name, bound, out);
    case dictsort: return dictSortFilter(self, bound, out);
    case first: return firstFilter(self, bound[0], false, out);
    case last: return firstFilter(self, bound[0], true, out);
    case groupby: return groupFilter(self, bound, out);
    case join: return joinFilter(self, bound, out);
    case list: {
      std::vector<Value> items;
      return self.collect(bound[0], items) && self.newListOf(items, out);
    }
    case max: return extremeFilter(self, bound, true, out);
    case min: return extremeFilter(self, bound, false, out);
    case random: return randomFilter(self, bound[0], out);
    case reverse: return nextReversed(self, bound[0], out);
    case sort: return sortFilter(self, bound, out);
    case sum: return sumFilter(self, bound, out);
    default: return self.fail("internal", "unknown filter");
  }
}

bool Interpreter::attributePath(const Value& path, std::vector<Value>& parts) {
  if (path.is(Tag::none) || path.is(Tag::missing)) return true;
  if (!path.isText()) return parts.push_back(path), true;
  std::string_view rest = path.text();
  for (bool more = true; more;) {
    size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    std::string_view part = rest.substr(0, dot);
    bool isDigits = !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    parts.push_back(isDigits && part.size() < 19 ? makeInteger(std::stoll(std::string(part))) : makeText(part, path.flags));
    if (more) rest.remove_prefix(dot + 1);
  }
  return true;
}

bool Interpreter::followPath(const std::vector<Value>& parts, const Value& start, const Value& fallback, Value& out) {
  Value at = start;
  for (const Value& part : parts) {
    Value next;
    if (!item(at, part, -1, next)) return false;
    bool isReplaced = next.is(Tag::undefined) && !fallback.is(Tag::missing) && !fallback.is(Tag::none);
    at = isReplaced ? fallback : next;
  }
  out = at;
  return true;
}

// Stable; a comparison that fails ends it, as in Python.
bool Interpreter::sortValues(std::vector<Value>& items, const std::vector<Value>& keys, bool reverse) {
  std::vector<uint32_t> order(items.size()), merged(items.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = reverse ? static_cast<uint32_t>(order.size()) - 1 - i : i;
  for (size_t width = 1; width < order.size(); width *= 2) {
    for (size_t left = 0; left < order.size(); left += 2 * width) {
      size_t middle = std::min(left + width, order.size()), end = std::min(left + 2 * width, order.size()), a = left, b = middle;
      for (size_t to = left; to < end; ++to) {
        bool takesRight = a == middle;
        if (a < middle && b < end) {
          int found = 0;
          bool unordered = false;
          if (!this->order(keys[order[b]], keys[order[a]], "<", found, unordered)) return false;
          takesRight = found < 0 && !unordered;
        }
        merged[to] = takesRight ? order[b++] : order[a++];
      }
    }
    order.swap(merged);
  }
  std::vector<Value> sorted;
  for (uint32_t i : order) sorted.push_back(items[i]);
  if (reverse) std::reverse(sorted.begin(), sorted.end());
  items = std::move(sorted);
  return true;
}

}  // namespace ingot::text
