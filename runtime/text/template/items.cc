// The part of Interpreter that reads items and slices: Jinja's getitem.
#include <algorithm>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"

namespace ingot::text {

bool Interpreter::characterAt(const Value& text, int64_t index, Value& out, bool& found) {
  std::string_view bytes = text.text();
  auto size = static_cast<int64_t>(text.flags & kAscii ? bytes.size() : countPoints(bytes));
  if (index < 0) index += size;
  found = index >= 0 && index < size;
  if (!found) return true;
  size_t at = text.flags & kAscii ? static_cast<size_t>(index) : offsetOf(bytes, static_cast<uint64_t>(index)), end = at;
  nextPoint(bytes, end);
  out = makeText(bytes.substr(at, end - at), static_cast<uint8_t>((text.flags & kMarkup) | (end - at == 1 ? kAscii : 0)));
  return step(1 + (text.flags & kAscii ? 0 : bytes.size() / 64));
}

// object[key]; false where Python raises TypeError or LookupError.
bool Interpreter::findItem(const Value& object, const Value& key, Value& out, bool& failed) {
  failed = false;
  int64_t size = 0;
  switch (object.tag) {
    case Tag::undefined: return failed = true, failUndefined(object);
    case Tag::dict: {
      Value unhashable;
      if (!hashable(key, unhashable, object.dict->size)) return false;
      const Value* found = find(*object.dict, key);
      if (found != nullptr) out = *found;
      return found != nullptr;
    }
    case Tag::list:
    case Tag::tuple:
    case Tag::range: {
      if (!key.isInteger()) return false;
      if (!lengthOf(object, size)) return false;
      int64_t index = key.small() < 0 ? key.small() + size : key.small();
      if (index < 0 || index >= size) return false;
      out = object.is(Tag::range) ? makeInteger(object.range->start + index * object.range->step) : object.list->items[index];
      return true;
    }
    case Tag::text: {
      if (!key.isInteger()) return false;
      bool found = false;
      failed = !characterAt(object, key.small(), out, found);
      return found && !failed;
    }
    case Tag::blocks:
      if (!key.isText()) return false;
      for (const BlockNode& node : program_.blocks) {
        if (program_.names[node.name] != key.text()) continue;
        out = makeTagged(Tag::block);
        out.block = arena_.make<Block>(&node);
        return true;
      }
      return false;
    default: return false;
  }
}

bool Interpreter::item(const Value& object, const Value& key, int method, Value& out) {
  bool failed = false;
  if (findItem(object, key, out, failed)) return true;
  if (failed) return false;
  if (key.isText() && findAttribute(object, key.text(), method, out, failed)) return !failed;
  return !failed && makeUndefined(key.isText() ? UndefinedKind::attribute : UndefinedKind::item, key, object, out);
}

// A bound of a slice, clamped as Python does; false when it is no integer.
static bool boundOf(const Value& value, int64_t size, int64_t fallback, int64_t low, int64_t high, int64_t& out) {
  if (value.is(Tag::none)) return out = fallback, true;
  if (value.is(Tag::bigInteger)) return out = value.big->negative ? low : high, true;
  if (!value.isInteger()) return false;
  int64_t bound = value.small() < 0 ? value.small() + size : value.small();
  return out = std::clamp(bound, low, high), true;
}

bool Interpreter::sliceOf(const Value& object, const Value& start, const Value& stop, const Value& stepValue, Value& out) {
  int64_t size = 0;
  bool isSequence = object.isText() || object.is(Tag::list) || object.is(Tag::tuple) || object.is(Tag::range);
  if (object.is(Tag::undefined)) return failUndefined(object);
  if (object.is(Tag::dict)) return failType("unhashable type: 'slice'");
  if (!isSequence) return failType("'" + std::string(typeName(object)) + "' object is not subscriptable");
  if (!lengthOf(object, size)) return false;
  int64_t stride = 1;
  bool ok = stepValue.is(Tag::none) || stepValue.isInteger();
  if (stepValue.isInteger()) stride = stepValue.small();
  if (stride == 0) return fail("ValueError", "slice step cannot be zero");
  if (stride == INT64_MIN) ++stride;
  int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? size : size - 1, from = 0, to = 0;
  ok = ok && boundOf(start, size, stride > 0 ? low : high, low, high, from) && boundOf(stop, size, stride > 0 ? high : low, low, high, to);
  if (!ok) return failType("slice indices must be integers or None or have an __index__ method");
  Range picked{from, to, stride};
  int64_t count = picked.size();
  if (object.is(Tag::range)) {
    const Range& range = *object.range;
    out = makeTagged(Tag::range);
    out.range = arena_.make<Range>(range.start + from * range.step, range.start + to * range.step, range.step * stride);
    return true;
  }
  if (!step(1 + static_cast<uint64_t>(count) / 16)) return false;
  if (!object.isText()) {
    List* list;
    if (!allocateList(static_cast<uint64_t>(count), list)) return false;
    for (int64_t i = 0; i < count; ++i) list->items[i] = object.list->items[from + i * stride];
    out = makeList(list, object.tag);
    return true;
  }
  std::string_view text = object.text();
  if (stride == 1) {
    auto begin = static_cast<size_t>(from), end = static_cast<size_t>(std::max(from, to));
    if (!(object.flags & kAscii)) {
      begin = offsetOf(text, begin);
      end = begin + offsetOf(text.substr(begin), static_cast<uint64_t>(count));
    }
    out = makeText(text.substr(begin, end - begin), object.flags);
    return true;
  }
  std::vector<uint32_t> starts;
  for (size_t at = 0; at < text.size(); nextPoint(text, at)) starts.push_back(static_cast<uint32_t>(at));
  starts.push_back(static_cast<uint32_t>(text.size()));
  std::string pickedText;
  for (int64_t i = 0; i < count; ++i) {
    auto at = static_cast<size_t>(from + i * stride);
    pickedText.append(text.substr(starts[at], starts[at + 1] - starts[at]));
  }
  return newText(pickedText, object.flags, out);
}

}  // namespace ingot::text
