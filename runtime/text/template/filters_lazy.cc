// Filters that are generators: they do their work when they are walked, once.
#include "runtime/text/template/characters.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

bool isMissing(const Value& value) { return value.is(Tag::missing); }

Value generator(Interpreter& self, Iterator::Next next, const char* function, const Value& source, Iterator*& out) {
  out = self.newIterator(next, "generator", source);
  out->function = function;
  return self.iteratorValue(out);
}

// The first step of a generator opens its source.
bool open(Interpreter& self, Iterator& at) { return at.inner != nullptr || self.iterate(at.source, at.inner); }

bool pull(Interpreter& self, Iterator& at, Value& item, bool& done) { return self.step() && at.inner->next(self, *at.inner, item, done); }

bool nextItem(Interpreter& self, Iterator& at, Value& item, bool& done) {
  if (at.source.is(Tag::undefined)) return done = true;
  if (!at.source.is(Tag::dict)) return self.failType("Can only get item pairs from a mapping.");
  const Dict& dict = *at.source.dict;
  done = at.index >= dict.size;
  if (done) return true;
  const DictEntry& entry = dict.entries[at.index++];
  return self.newListOf({entry.key, entry.value}, item, Tag::tuple);
}

bool nextMapped(Interpreter& self, Iterator& at, Value& item, bool& done) {
  const CallArguments& call = at.call;
  if (!at.flag) {
    at.flag = true;
    if (!self.truth(at.source)) at.end = 1;
    if (at.end == 1) return done = true;
    if (call.count == 0) {
      bool hasAttribute = false;
      at.first = at.second = {};
      for (uint32_t i = 0; i < call.namedCount; ++i)
        if (call.named[i].name.text() == "attribute") hasAttribute = true, at.first = call.named[i].value;
      if (!hasAttribute) return self.fail("FilterArgumentError", "map requires a filter argument");
      for (uint32_t i = 0; i < call.namedCount; ++i) {
        std::string_view name = call.named[i].name.text();
        if (name == "default") at.second = call.named[i].value;
        else if (name != "attribute") return self.fail("FilterArgumentError", "Unexpected keyword argument " + quotePython(name));
      }
    }
    if (!open(self, at)) return false;
  }
  if (at.end == 1) return done = true;
  Value source;
  if (!pull(self, at, source, done)) return false;
  if (done) return true;
  if (call.count > 0)
    return self.callNamed(call.positional[0], true, source, {call.positional + 1, call.count - 1, call.named, call.namedCount}, item);
  std::vector<Value> parts;
  return self.attributePath(at.first, parts) && self.followPath(parts, source, at.second, item);
}

// select and its kin. `index`: 1 keeps what fails the test; 2 tests an attribute.
bool nextSelected(Interpreter& self, Iterator& at, Value& item, bool& done) {
  const CallArguments& call = at.call;
  bool rejects = at.index & 1, looksUp = at.index & 2;
  uint32_t used = looksUp ? 1 : 0;
  if (!at.flag) {
    at.flag = true;
    if (!self.truth(at.source)) at.end = 1;
    else if (looksUp && call.count == 0) return self.fail("FilterArgumentError", "Missing parameter for attribute name");
    else if (!open(self, at)) return false;
  }
  if (at.end == 1) return done = true;
  std::vector<Value> parts;
  if (looksUp && !self.attributePath(call.positional[0], parts)) return false;
  for (;;) {
    Value value, result;
    if (!pull(self, at, item, done)) return false;
    if (done) return true;
    value = item;
    if (looksUp && !self.followPath(parts, item, {}, value)) return false;
    if (call.count > used) {
      CallArguments rest{call.positional + used + 1, call.count - used - 1, call.named, call.namedCount};
      if (!self.callNamed(call.positional[used], false, value, rest, result)) return false;
    } else {
      result = value;
    }
    if (self.truth(result) != rejects) return true;
  }
}

bool nextBatch(Interpreter& self, Iterator& at, Value& item, bool& done) {
  if (!open(self, at)) return false;
  int64_t count;
  if (at.flag) return done = true;
  if (!self.asIndex(at.first, count)) return false;
  std::vector<Value> row;
  if (!at.activation && at.end) row.push_back(at.call.positional[0]);
  for (;;) {
    Value next;
    if (!pull(self, at, next, done)) return false;
    if (done) break;
    if (static_cast<int64_t>(row.size()) == count) {
      auto* held = self.arena().make<Value>(next);
      at.call.positional = held;
      at.end = 1;
      return self.newListOf(row, item);
    }
    row.push_back(next);
  }
  at.flag = true;
  done = row.empty();
  if (done) return true;
  if (!isMissing(at.second) && !at.second.is(Tag::none) && count > static_cast<int64_t>(row.size())) {
    if (static_cast<uint64_t>(count) > self.limits().maxMemoryBytes / sizeof(Value)) return self.failLimit("memory", self.limits().maxMemoryBytes);
    row.resize(static_cast<size_t>(count), at.second);
  }
  return self.newListOf(row, item);
}

bool nextSlice(Interpreter& self, Iterator& at, Value& item, bool& done) {
  int64_t slices;
  if (!self.asIndex(at.first, slices)) return false;
  if (!at.flag) {
    std::vector<Value> all;
    if (!self.collect(at.source, all) || !self.newListOf(all, at.source)) return false;
    at.flag = true;
    if (slices == 0) return self.fail("ZeroDivisionError", "integer division or modulo by zero");
  }
  auto size = static_cast<int64_t>(at.source.list->size), number = static_cast<int64_t>(at.index++);
  done = number >= slices;
  if (done) return true;
  int64_t each = size / slices, extra = size % slices;
  int64_t begin = number * each + std::min(number, extra), end = begin + each + (number < extra);
  std::vector<Value> row(at.source.list->items + begin, at.source.list->items + end);
  if (!isMissing(at.second) && !at.second.is(Tag::none) && number >= extra) row.push_back(at.second);
  return self.newListOf(row, item);
}

bool nextUnique(Interpreter& self, Iterator& at, Value& item, bool& done) {
  if (!at.flag) {
    at.flag = true;
    Value seen = makeDict(newDict(self.arena()));
    at.call.positional = self.arena().make<Value>(seen);
    if (!open(self, at)) return false;
  }
  std::vector<Value> parts;
  if (!self.attributePath(at.second, parts)) return false;
  for (;;) {
    Value key;
    if (!pull(self, at, item, done)) return false;
    if (done) return true;
    if (!self.followPath(parts, item, {}, key) || (at.index == 0 && !ignoreCase(self, key))) return false;
    Value unhashable;
    if (!self.hashable(key, unhashable)) return self.failType("unhashable type: '" + std::string(self.typeName(unhashable)) + "'");
    auto* seen = const_cast<Dict*>(at.call.positional->dict);
    if (find(*seen, key) != nullptr) continue;
    return self.put(*seen, key, makeNone());
  }
}

}  // namespace

bool ignoreCase(Interpreter& self, Value& value) {
  if (!value.isText()) return true;
  std::string lowered;
  appendCase(value.text(), CaseMap::lower, lowered);
  return self.newText(lowered, value.flags, value);
}

bool lazyFilter(Interpreter& self, FilterName name, const Value& operand, const CallArguments& arguments, Value& out) {
  static constexpr const char* kSelects[] = {"select_or_reject", "select_or_reject", "select_or_reject", "select_or_reject"};
  Iterator* iterator;
  bool isMap = name == FilterName::map;
  uint64_t kind = name == FilterName::select ? 0 : name == FilterName::reject ? 1 : name == FilterName::selectattr ? 2 : 3;
  out = generator(self, isMap ? nextMapped : nextSelected, isMap ? "sync_do_map" : kSelects[kind], operand, iterator);
  iterator->call = arguments;
  iterator->index = isMap ? 0 : kind;
  return true;
}

bool lazyBoundFilter(Interpreter& self, FilterName name, const Value* bound, Value& out) {
  Iterator* iterator = nullptr;
  if (name == FilterName::items) {
    out = generator(self, nextItem, "do_items", bound[0], iterator);
    return true;
  }
  if (name == FilterName::unique) {
    out = generator(self, nextUnique, "sync_do_unique", bound[0], iterator);
    iterator->second = isMissing(bound[2]) ? makeNone() : bound[2];
    iterator->index = !isMissing(bound[1]) && self.truth(bound[1]);
    return true;
  }
  bool isBatch = name == FilterName::batch;
  out = generator(self, isBatch ? nextBatch : nextSlice, isBatch ? "do_batch" : "sync_do_slice", bound[0], iterator);
  iterator->first = bound[1];
  iterator->second = bound[2];
  return true;
}

}  // namespace ingot::text
