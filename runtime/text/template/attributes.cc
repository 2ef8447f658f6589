// The part of Interpreter that reads attributes: Jinja's getattr inside the sandbox. Items are in items.cc.
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

}  // namespace ingot::text
