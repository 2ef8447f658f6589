// The part of Interpreter that calls methods of all but texts.
#include <algorithm>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {

static bool indexIn(Interpreter& self, const Value& sequence, const CallArguments& arguments, Value& out) {
  if (!self.checkCount("index", arguments, 1, 3)) return false;
  const List& list = *sequence.list;
  int64_t bounds[2] = {0, list.size};
  for (uint32_t i = 1; i < arguments.count; ++i) {
    if (!self.asIndex(arguments.positional[i], bounds[i - 1])) return false;
    if (bounds[i - 1] < 0) bounds[i - 1] = std::max<int64_t>(0, bounds[i - 1] + list.size);
  }
  for (int64_t i = bounds[0]; i < std::min<int64_t>(bounds[1], list.size); ++i) {
    bool found;
    if (!self.step() || !self.same(list.items[i], arguments.positional[0], found)) return false;
    if (found) return out = makeInteger(i), true;
  }
  if (sequence.is(Tag::tuple)) return self.fail("ValueError", "tuple.index(x): x not in tuple");
  std::string item;
  return self.appendRepr(arguments.positional[0], item) && self.fail("ValueError", item + " is not in list");
}

static bool callListMethod(Interpreter& self, const Value& object, MethodName name, const CallArguments& arguments, Value& out) {
  if (name == MethodName::index) return indexIn(self, object, arguments, out);
  if (name == MethodName::copy) return self.checkCount("list.copy", arguments, 0, 0) && (out = object, true);
  if (!self.checkCount(object.is(Tag::list) ? "list.count" : "tuple.count", arguments, 1, 1)) return false;
  int64_t count = 0;
  for (uint32_t i = 0; i < object.list->size; ++i) {
    bool found;
    if (!self.same(object.list->items[i], arguments.positional[0], found)) return false;
    count += found;
  }
  out = makeInteger(count);
  return self.step(object.list->size);
}

static bool callDictMethod(Interpreter& self, const Value& object, MethodName name, const CallArguments& arguments, Value& out) {
  if (name == MethodName::get) {
    if (!self.checkCount("get", arguments, 1, 2)) return false;
    Value unhashable;
    if (!self.hashable(arguments.positional[0], unhashable))
      return self.failType("unhashable type: '" + std::string(self.typeName(unhashable)) + "'");
    const Value* found = find(*object.dict, arguments.positional[0]);
    out = found != nullptr ? *found : arguments.count == 2 ? arguments.positional[1] : makeNone();
    return true;
  }
  if (name == MethodName::fromkeys) return self.callFunction(FunctionName::dictFromKeys, arguments, out);
  if (!self.checkCount("dict." + std::string(methodText(name)), arguments, 0, 0)) return false;
  if (name == MethodName::copy) return out = object, true;
  out = makeTagged(Tag::dictView);
  out.dict = object.dict;
  out.part = static_cast<uint16_t>(name == MethodName::keys ? DictPart::keys : name == MethodName::values ? DictPart::values : DictPart::items);
  return true;
}

static bool callNumberMethod(Interpreter& self, const Value& object, MethodName name, const CallArguments& arguments, Value& out) {
  std::string label = std::string(self.typeName(object)) + "." + std::string(methodText(name));
  if (!self.checkCount(label, arguments, 0, 0)) return false;
  if (name == MethodName::conjugate) return out = object, true;
  if (name == MethodName::is_integer) return out = makeBoolean(object.real == static_cast<double>(static_cast<int64_t>(object.real))), true;
  if (object.isInteger() || object.is(Tag::bigInteger)) {
    Integer integer = Integer::of(object);
    std::string bits = integer.isZero() ? "" : toBase(integer, 2);
    if (name == MethodName::bit_length) return out = makeInteger(static_cast<int64_t>(bits.size())), true;
    if (name == MethodName::bit_count) return out = makeInteger(std::count(bits.begin(), bits.end(), '1')), true;
    if (name == MethodName::as_integer_ratio) return self.newListOf({object, makeInteger(1)}, out, Tag::tuple);
  }
  return self.fail("unsupported", label + "() is not offered in templates");
}

static bool callLoopMethod(Interpreter& self, const Value& object, MethodName name, const CallArguments& arguments, Value& out) {
  Loop& loop = *object.loop;
  if (arguments.namedCount > 0)
    return self.failType("LoopContext." + std::string(methodText(name)) + "() got an unexpected keyword argument " +
                         quotePython(arguments.named[0].name.text()));
  if (name == MethodName::cycle) {
    if (arguments.count == 0) return self.failType("no items for cycling given");
    out = arguments.positional[loop.index0 % arguments.count];
    return true;
  }
  Value values;
  if (!self.newListOf({arguments.positional, arguments.positional + arguments.count}, values, Tag::tuple)) return false;
  bool isSame = false;
  if (!loop.lastChanged.is(Tag::missing) && !self.same(loop.lastChanged, values, isSame)) return false;
  bool changed = !isSame;
  if (changed) loop.lastChanged = values;
  out = makeBoolean(changed);
  return true;
}

bool Interpreter::callMethod(const Method& method, const CallArguments& arguments, Value& out) {
  auto name = static_cast<MethodName>(method.name);
  const Value& object = method.self;
  switch (object.tag) {
    case Tag::text: return callTextMethod(object, name, arguments, out);
    case Tag::list:
    case Tag::tuple: return callListMethod(*this, object, name, arguments, out);
    case Tag::dict: return callDictMethod(*this, object, name, arguments, out);
    case Tag::loop: return callLoopMethod(*this, object, name, arguments, out);
    case Tag::range: {
      std::vector<Value> items;
      Value list;
      if (!collect(object, items) || !newListOf(items, list)) return false;
      if (!callListMethod(*this, list, name, arguments, out)) {
        size_t at = failure_.message.find("is not in list");
        if (at != std::string::npos) failure_.message.replace(at, 14, "is not in range");
        return false;
      }
      return true;
    }
    case Tag::cycler: {
      Cycler& cycler = *object.cycler;
      out = name == MethodName::next ? cycler.items->items[cycler.position] : makeNone();
      cycler.position = name == MethodName::next ? (cycler.position + 1) % cycler.items->size : 0;
      return true;
    }
    default: return callNumberMethod(*this, object, name, arguments, out);
  }
}

}  // namespace ingot::text
