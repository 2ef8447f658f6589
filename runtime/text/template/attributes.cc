// The part of Interpreter that reads attributes and items: Jinja's getattr and getitem inside the sandbox.
#include <algorithm>
#include <array>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"

namespace ingot::text {
namespace {

using Names = std::initializer_list<MethodName>;
enum TypeBit : uint16_t {
  kTextType = 1,
  kListType = 2,
  kTupleType = 4,
  kDictType = 8,
  kIntegerType = 16,
  kRealType = 32,
  kRangeType = 64,
  kViewType = 128,
  kCyclerType = 256,
  kMarkupType = 512
};

constexpr size_t kMethodCount = static_cast<size_t>(MethodName::zfill) + 1;

constexpr std::array<uint16_t, kMethodCount> makeOwners() {
  std::array<uint16_t, kMethodCount> owners{};
  auto add = [&](uint16_t type, std::initializer_list<MethodName> names) {
    for (MethodName name : names) owners[static_cast<size_t>(name)] |= type;
  };
  using enum MethodName;
  add(kTextType,
      {capitalize, casefold, center,    count,      encode,       endswith,     expandtabs,   find,        format,    format_map, index,   isalnum,
       isalpha,    isascii,  isdecimal, isdigit,    isidentifier, islower,      isnumeric,    isprintable, isspace,   istitle,    isupper, join,
       ljust,      lower,    lstrip,    maketrans,  partition,    removeprefix, removesuffix, replace,     rfind,     rindex,     rjust,   rpartition,
       rsplit,     rstrip,   split,     splitlines, startswith,   strip,        swapcase,     title,       translate, upper,      zfill});
  add(kMarkupType, {unescape, striptags, escape});
  add(kListType, {append, clear, copy, count, extend, index, insert, pop, remove, reverse, sort});
  add(kTupleType, {count, index});
  add(kDictType, {clear, copy, fromkeys, get, items, keys, pop, popitem, setdefault, update, values});
  add(kIntegerType, {as_integer_ratio, bit_count, bit_length, conjugate, denominator, imag, numerator, real, to_bytes});
  add(kRealType, {as_integer_ratio, conjugate, hex, imag, is_integer, real});
  add(kRangeType, {count, index, start, step, stop});
  add(kCyclerType, {next, reset});
  return owners;
}
constexpr auto kOwners = makeOwners();

uint16_t typeBit(const Value& value) {
  switch (value.tag) {
    case Tag::text: return value.flags & kMarkup ? kTextType | kMarkupType : kTextType;
    case Tag::list: return kListType;
    case Tag::tuple: return kTupleType;
    case Tag::dict: return kDictType;
    case Tag::boolean:
    case Tag::integer:
    case Tag::bigInteger: return kIntegerType;
    case Tag::real: return kRealType;
    case Tag::range: return kRangeType;
    case Tag::cycler: return kCyclerType;
    default: return 0;
  }
}

bool changesItsObject(const Value& object, MethodName name) {
  using enum MethodName;
  Names list{append, clear, pop, reverse, insert, sort, extend, remove}, dict{clear, pop, popitem, setdefault, update};
  auto has = [name](const Names& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
  return (object.is(Tag::list) && has(list)) || (object.is(Tag::dict) && has(dict));
}

// Attributes that every object of Python has, and those of the types that templates meet.
bool isHidden(const Value& object, std::string_view name) {
  static constexpr std::string_view kCommon[] = {
      "class",         "delattr", "dir", "doc", "eq",  "format", "ge",        "getattribute", "getstate", "gt",     "hash", "init",
      "init_subclass", "le",      "lt",  "ne",  "new", "reduce", "reduce_ex", "repr",         "setattr",  "sizeof", "str",  "subclasshook"};
  static constexpr std::string_view kSequence[] = {"add", "contains", "getitem", "iter", "len", "mul", "rmul"};
  if (!name.starts_with("__") || !name.ends_with("__") || name.size() < 5) return false;
  name = name.substr(2, name.size() - 4);
  if (std::find(std::begin(kCommon), std::end(kCommon), name) != std::end(kCommon)) return true;
  bool isSequence = object.isText() || object.is(Tag::list) || object.is(Tag::tuple) || object.is(Tag::dict) || object.is(Tag::range);
  if (isSequence && std::find(std::begin(kSequence), std::end(kSequence), name) != std::end(kSequence)) return true;
  bool isCallable = object.is(Tag::method) || object.is(Tag::function) || object.is(Tag::macro);
  return isCallable &&
         (name == "call" || name == "name" || name == "globals" || name == "code" || name == "self" || name == "func" || name == "module");
}

Value booleanOf(bool value) { return makeBoolean(value); }

}  // namespace

// The loop variable's own; false when it has no such attribute.
static bool loopAttribute(Interpreter& self, Loop& loop, const Value& object, std::string_view name, Value& out, bool& failed) {
  int64_t length = 0;
  bool done = false;
  auto number = [&](int64_t value) { return out = makeInteger(value), true; };
  if (name == "index") return number(loop.index0 + 1);
  if (name == "index0") return number(loop.index0);
  if (name == "first") return out = booleanOf(loop.index0 == 0), true;
  if (name == "depth") return number(loop.depth0 + 1);
  if (name == "depth0") return number(loop.depth0);
  if (name == "last") return failed = !self.loopPeek(loop, done), out = booleanOf(done), true;
  if (name == "length") return failed = !self.loopLength(loop, length), number(length);
  if (name == "revindex") return failed = !self.loopLength(loop, length), number(length - loop.index0);
  if (name == "revindex0") return failed = !self.loopLength(loop, length), number(length - loop.index0 - 1);
  if (name == "previtem") return loop.index0 == 0 ? self.makeUndefinedHint("there is no previous item", out) : (out = loop.before, true);
  if (name == "nextitem") {
    failed = !self.loopPeek(loop, done);
    return done ? self.makeUndefinedHint("there is no next item", out) : (out = loop.after, true);
  }
  if (name != "cycle" && name != "changed") return false;
  out = makeTagged(Tag::method);
  out.method = self.arena().make<Method>(object, static_cast<uint16_t>(name == "cycle" ? MethodName::cycle : MethodName::changed));
  return true;
}

static bool numberProperty(const Value& object, MethodName name, Value& out) {
  using enum MethodName;
  if (object.is(Tag::range)) {
    if (name != start && name != stop && name != MethodName::step) return false;
    out = makeInteger(name == start ? object.range->start : name == stop ? object.range->stop : object.range->step);
    return true;
  }
  Value own = object.is(Tag::boolean) ? makeInteger(object.small()) : object;
  bool isReal = object.is(Tag::real);
  if (!isReal && !object.isInteger() && !object.is(Tag::bigInteger)) return false;
  if (name == real || (name == numerator && !isReal)) return out = own, true;
  if (name == imag) return out = isReal ? makeReal(0) : makeInteger(0), true;
  if (name == denominator && !isReal) return out = makeInteger(1), true;
  return false;
}

// getattr(object, name), inside the sandbox. False when there is no such attribute; `failed` when looking failed.
bool Interpreter::findAttribute(const Value& object, std::string_view name, int method, Value& out, bool& failed) {
  failed = false;
  if (object.is(Tag::nameSpace)) {
    const Value* found = find(*object.nameSpace->attributes, name);
    if (found != nullptr) out = *found;
    if (found != nullptr && name.starts_with('_')) return makeUndefined(UndefinedKind::unsafe, makeText(name), object, out);
    return found != nullptr;
  }
  if (isHidden(object, name)) return makeUndefined(UndefinedKind::unsafe, makeText(name), object, out);
  switch (object.tag) {
    case Tag::undefined: return failed = true, failUndefined(object);
    case Tag::loop: return loopAttribute(*this, *object.loop, object, name, out, failed);
    case Tag::tuple:
      if (object.flags & kGroup && (name == "grouper" || name == "list")) return out = object.list->items[name == "list"], true;
      break;
    case Tag::cycler:
      if (name == "items") return out = makeList(object.cycler->items, Tag::tuple), true;
      if (name == "pos") return out = makeInteger(object.cycler->position), true;
      if (name == "current") return out = object.cycler->items->items[object.cycler->position], true;
      break;
    case Tag::joiner:
      if (name == "sep") return out = object.joiner->separator, true;
      if (name == "used") return out = makeBoolean(object.joiner->used), true;
      break;
    case Tag::macro:
      if (name == "name") return out = object.macro->name, true;
      if (name == "arguments") {
        const MacroNode& node = *object.macro->node;
        std::vector<Value> names;
        for (uint32_t i = 0; i < node.parameterCount; ++i) names.push_back(program_.constants[program_.lists[node.parameters + 2 * i]]);
        return failed = !newListOf(names, out, Tag::tuple), true;
      }
      if (name == "catch_kwargs") return out = makeBoolean(object.macro->node->kwargsSlot != kNoNode), true;
      if (name == "catch_varargs") return out = makeBoolean(object.macro->node->varargsSlot != kNoNode), true;
      if (name == "caller") return out = makeBoolean(object.macro->node->callerSlot != kNoNode), true;
      break;
    case Tag::block:
      if (name == "name") return out = makeText(program_.names[object.block->node->name]), true;
      if (name == "super")
        return failed = !makeUndefinedHint("there is no parent block called '" + program_.names[object.block->node->name] + "'.", out), true;
      break;
    case Tag::function:
      if (static_cast<FunctionName>(object.part) == FunctionName::dict && name == "fromkeys") {
        out = makeTagged(Tag::function);
        out.part = static_cast<uint16_t>(FunctionName::dictFromKeys);
        return true;
      }
      break;
    default: break;
  }
  if (method < 0) method = methodNamed(name);
  if (method < 0 || !(kOwners[static_cast<size_t>(method)] & typeBit(object))) {
    if (!object.is(Tag::dictView) || name != "mapping") return false;
    return out = makeDict(object.dict), true;
  }
  auto named = static_cast<MethodName>(method);
  if (numberProperty(object, named, out)) return true;
  if (changesItsObject(object, named)) return makeUndefined(UndefinedKind::unsafe, makeText(name), object, out);
  out = makeTagged(Tag::method);
  out.method = arena_.make<Method>(object, static_cast<uint16_t>(method));
  return true;
}

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

bool Interpreter::attribute(const Value& object, const Value& name, int method, Value& out) {
  bool failed = false;
  if (object.is(Tag::dict) && method < 0 && !name.text().starts_with("__")) [[likely]] {
    if (const Value* found = find(*object.dict, name.text())) return out = *found, true;
    return makeUndefined(UndefinedKind::attribute, name, object, out);
  }
  if (findAttribute(object, name.text(), method, out, failed)) return !failed;
  if (failed) return false;
  if (findItem(object, name, out, failed)) return true;
  return !failed && makeUndefined(UndefinedKind::attribute, name, object, out);
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
