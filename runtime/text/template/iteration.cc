// The part of Interpreter that walks over values: Python's iter() and Jinja's loop variable.
#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"

namespace ingot::text {
namespace {

bool nextOfList(Interpreter&, Iterator& at, Value& item, bool& done) {
  done = at.index >= at.source.list->size;
  if (!done) item = at.source.list->items[at.index++];
  return true;
}

bool nextOfListReversed(Interpreter&, Iterator& at, Value& item, bool& done) {
  done = at.index >= at.source.list->size;
  if (!done) item = at.source.list->items[at.source.list->size - ++at.index];
  return true;
}

bool nextOfText(Interpreter&, Iterator& at, Value& item, bool& done) {
  std::string_view text = at.source.text();
  done = at.index >= text.size();
  if (done) return true;
  size_t end = at.index;
  nextPoint(text, end);
  item = makeText(text.substr(at.index, end - at.index), end - at.index == 1 ? kAscii : 0);
  at.index = end;
  return true;
}

bool nextOfTextReversed(Interpreter&, Iterator& at, Value& item, bool& done) {
  done = at.end == 0;
  if (done) return true;
  size_t start = previousStart(at.source.text(), at.end);
  item = makeText(at.source.text().substr(start, at.end - start), at.end - start == 1 ? kAscii : 0);
  at.end = start;
  return true;
}

// `flag`: from the end.
bool nextOfDict(Interpreter& self, Iterator& at, Value& item, bool& done) {
  const Dict& dict = *at.source.dict;
  done = at.index >= dict.size;
  if (done) return true;
  const DictEntry& entry = dict.entries[at.flag ? dict.size - 1 - at.index : at.index];
  ++at.index;
  bool isView = at.source.is(Tag::dictView);
  if (!isView || at.source.part == static_cast<uint16_t>(DictPart::keys)) return item = entry.key, true;
  if (at.source.part == static_cast<uint16_t>(DictPart::values)) return item = entry.value, true;
  List* pair;
  if (!self.allocateList(2, pair)) return false;
  pair->items[0] = entry.key;
  pair->items[1] = entry.value;
  item = makeList(pair, Tag::tuple);
  return true;
}

bool nextOfRange(Interpreter&, Iterator& at, Value& item, bool& done) {
  const Range& range = *at.source.range;
  auto size = static_cast<uint64_t>(range.size());
  done = at.index >= size;
  if (done) return true;
  auto index = static_cast<int64_t>(at.flag ? size - 1 - at.index : at.index);
  ++at.index;
  item = makeInteger(range.start + index * range.step);
  return true;
}

bool nextOfNothing(Interpreter&, Iterator&, Value&, bool& done) { return done = true; }

bool nextOfLoop(Interpreter& self, Iterator& at, Value& item, bool& done) {
  List* pair;
  Value next;
  if (!self.loopNext(*at.source.loop, next, done)) return false;
  if (done) return true;
  if (!self.allocateList(2, pair)) return false;
  pair->items[0] = next;
  pair->items[1] = at.source;
  item = makeList(pair, Tag::tuple);
  return true;
}

}  // namespace

Iterator* Interpreter::newIterator(Iterator::Next next, const char* type, const Value& source) {
  return arena_.make<Iterator>(Iterator{.next = next, .type = type, .function = nullptr, .source = source});
}

Value Interpreter::iteratorValue(Iterator* iterator) {
  Value value = makeTagged(Tag::iterator);
  value.iterator = iterator;
  return value;
}

bool Interpreter::isIterable(const Value& value) {
  switch (value.tag) {
    case Tag::undefined:
    case Tag::text:
    case Tag::list:
    case Tag::tuple:
    case Tag::dict:
    case Tag::dictView:
    case Tag::range:
    case Tag::iterator:
    case Tag::loop: return true;
    default: return false;
  }
}

bool Interpreter::iterate(const Value& value, Iterator*& out) {
  switch (value.tag) {
    case Tag::undefined: out = newIterator(nextOfNothing, "generator", value); return true;
    case Tag::text: out = newIterator(nextOfText, "str_iterator", value); return true;
    case Tag::list: out = newIterator(nextOfList, "list_iterator", value); return true;
    case Tag::tuple: out = newIterator(nextOfList, "tuple_iterator", value); return true;
    case Tag::dict:
    case Tag::dictView: out = newIterator(nextOfDict, "dict_keyiterator", value); return true;
    case Tag::range: out = newIterator(nextOfRange, "range_iterator", value); return true;
    case Tag::iterator: out = value.iterator; return true;
    case Tag::loop: out = newIterator(nextOfLoop, "LoopContext", value); return true;
    default: return failType("'" + std::string(typeName(value)) + "' object is not iterable");
  }
}

bool Interpreter::collect(const Value& value, std::vector<Value>& out) {
  if (value.is(Tag::list) || value.is(Tag::tuple)) {
    out.insert(out.end(), value.list->items, value.list->items + value.list->size);
    return step(value.list->size);
  }
  Iterator* iterator;
  if (!iterate(value, iterator)) return false;
  for (;;) {
    Value item;
    bool done = false;
    if (!step() || !iterator->next(*this, *iterator, item, done)) return false;
    if (done) return true;
    if (out.size() * sizeof(Value) > limits_.maxMemoryBytes) return failLimit("memory", limits_.maxMemoryBytes);
    out.push_back(item);
  }
}

// Python's reversed().
bool Interpreter::reversed(const Value& value, Value& out) {
  Iterator* iterator;
  switch (value.tag) {
    case Tag::list: iterator = newIterator(nextOfListReversed, "list_reverseiterator", value); break;
    case Tag::tuple: iterator = newIterator(nextOfListReversed, "reversed", value); break;
    case Tag::text:
      iterator = newIterator(nextOfTextReversed, "reversed", value);
      iterator->end = value.length;
      break;
    case Tag::dict:
    case Tag::dictView:
      iterator = newIterator(nextOfDict, "dict_reversekeyiterator", value);
      iterator->flag = true;
      break;
    case Tag::range:
      iterator = newIterator(nextOfRange, "range_iterator", value);
      iterator->flag = true;
      break;
    case Tag::undefined: iterator = newIterator(nextOfNothing, "reversed", value); break;
    default: return failType("'" + std::string(typeName(value)) + "' object is not reversible");
  }
  out = iteratorValue(iterator);
  return true;
}

bool Interpreter::loopPeek(Loop& loop, bool& done) {
  done = false;
  if (!loop.after.is(Tag::missing)) return true;
  if (loop.list != nullptr) {
    done = loop.position >= loop.list->size;
    if (!done) loop.after = loop.list->items[loop.position++];
    return true;
  }
  Value item;
  if (!loop.iterator->next(*this, *loop.iterator, item, done)) return false;
  if (!done) loop.after = item;
  return true;
}

bool Interpreter::loopNext(Loop& loop, Value& item, bool& done) {
  if (!loopPeek(loop, done)) return false;
  if (done) return true;
  item = loop.after;
  loop.after = {};
  ++loop.index0;
  loop.before = loop.current;
  loop.current = item;
  return true;
}

bool Interpreter::loopLength(Loop& loop, int64_t& out) {
  if (loop.length < 0 && !lengthOf(loop.iterable, loop.length)) {
    std::vector<Value> rest;
    Value list;
    if (!collect(iteratorValue(loop.iterator), rest) || !newListOf(rest, list)) return false;
    loop.list = list.list;
    loop.position = 0;
    loop.length = static_cast<int64_t>(rest.size()) + loop.index0 + 1 + !loop.after.is(Tag::missing);
  }
  out = loop.length;
  return true;
}

}  // namespace ingot::text
