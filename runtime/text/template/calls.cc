// The part of Interpreter that calls: binding of arguments, macros, global functions, and methods of all but texts.
#include <algorithm>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/clock.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

std::string plural(size_t count, const char* noun) { return std::to_string(count) + " " + noun + (count == 1 ? "" : "s"); }

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += names.size() == 2 ? " and " : i + 1 == names.size() ? ", and " : ", ";
    out += names[i];
  }
  return out;
}

}  // namespace

bool Interpreter::bind(const Signature& signature, const CallArguments& arguments, Value* bound) {
  std::string name = std::string(signature.name) + "()";
  for (uint32_t i = 0; i < signature.count; ++i) bound[i] = i < arguments.count ? arguments.positional[i] : Value();
  for (uint32_t i = 0; i < arguments.namedCount; ++i) {
    std::string_view wanted = arguments.named[i].name.text();
    uint32_t at = 0;
    while (at < signature.count && wanted != signature.parameters[at]) ++at;
    if (at == signature.count) return failType(name + " got an unexpected keyword argument " + quotePython(wanted));
    if (!bound[at].is(Tag::missing)) return failType(name + " got multiple values for argument " + quotePython(wanted));
    bound[at] = arguments.named[i].value;
  }
  if (arguments.count > signature.count) {
    uint32_t most = signature.count + signature.hidden, least = signature.required + signature.hidden, given = arguments.count + signature.hidden;
    std::string takes = most == least ? "takes " + plural(most, "positional argument")
                                      : "takes from " + std::to_string(least) + " to " + plural(most, "positional argument");
    return failType(name + " " + takes + " but " + std::to_string(given) + (given == 1 ? " was given" : " were given"));
  }
  std::vector<std::string> missing;
  for (uint32_t i = 0; i < signature.required; ++i)
    if (bound[i].is(Tag::missing)) missing.push_back(quotePython(signature.parameters[i]));
  if (missing.empty()) return true;
  return failType(name + " missing " + plural(missing.size(), "required positional argument") + ": " + listed(missing));
}

bool Interpreter::checkCount(std::string_view name, const CallArguments& arguments, uint32_t minimum, uint32_t maximum) {
  std::string function(name);
  if (arguments.namedCount > 0) return failType(function + "() takes no keyword arguments");
  if (arguments.count >= minimum && arguments.count <= maximum) return true;
  std::string given = " (" + std::to_string(arguments.count) + " given)";
  if (minimum == maximum) {
    if (minimum == 0) return failType(function + "() takes no arguments" + given);
    return failType(function + "() takes exactly " + (minimum == 1 ? "one argument" : plural(minimum, "argument")) + given);
  }
  function.erase(0, function.find('.') + 1);
  if (arguments.count < minimum)
    return failType(function + " expected at least " + plural(minimum, "argument") + ", got " + std::to_string(arguments.count));
  return failType(function + " expected at most " + plural(maximum, "argument") + ", got " + std::to_string(arguments.count));
}

bool Interpreter::asIndex(const Value& value, int64_t& out) {
  if (value.isInteger()) return out = value.small(), true;
  if (value.is(Tag::bigInteger)) return out = value.big->negative ? INT64_MIN : INT64_MAX, true;
  return failType("'" + std::string(typeName(value)) + "' object cannot be interpreted as an integer");
}

bool Interpreter::call(const Value& callee, const CallArguments& arguments, Value& out) {
  Deeper deeper(*this);
  if (!step() || !deeper.ok()) return false;
  switch (callee.tag) {
    case Tag::undefined: return failUndefined(callee);
    case Tag::method: return callMethod(*callee.method, arguments, out);
    case Tag::function: return callFunction(static_cast<FunctionName>(callee.part), arguments, out);
    case Tag::macro: return callMacro(*callee.macro, arguments, out);
    case Tag::block:
      if (!renderBlock(*callee.block->node, &out)) return false;
      if (autoescape_) out.flags |= kMarkup;
      return true;
    case Tag::joiner:
      out = callee.joiner->used ? callee.joiner->separator : makeText({}, kAscii);
      callee.joiner->used = true;
      return true;
    case Tag::loop: {
      Value bound[1];
      if (!bind({"__call__", 1, 1, 1, {"iterable"}}, arguments, bound)) return false;
      Loop& loop = *callee.loop;
      if (loop.recurse == nullptr) return failType("The loop must have the 'recursive' marker to be called recursively.");
      return renderLoop(*loop.recurse, bound[0], loop.depth0 + 1, loop.outer, out);
    }
    default: return failType("'" + std::string(typeName(callee)) + "' object is not callable");
  }
}

bool Interpreter::callMacro(const Macro& macro, const CallArguments& arguments, Value& out) {
  const MacroNode& node = *macro.node;
  const uint32_t* parameters = program_.lists.data() + node.parameters;
  std::string name = macro.name.isText() ? quotePython(macro.name.text()) : "None";
  std::vector<NamedValue> rest(arguments.named, arguments.named + arguments.namedCount);
  auto take = [&rest](std::string_view wanted, Value& value) {
    auto at = std::find_if(rest.begin(), rest.end(), [&](const NamedValue& named) { return named.name.text() == wanted; });
    if (at == rest.end()) return false;
    value = at->value;
    rest.erase(at);
    return true;
  };
  Activation* activation = activate(node.function, macro.activation);
  auto slotOf = [&](uint32_t i) -> Value& { return activation->slots[program_.nodes[parameters[2 * i + 1]].c]; };
  bool foundCaller = arguments.count >= node.parameterCount && node.explicitCaller;
  for (uint32_t i = 0; i < node.parameterCount; ++i) {
    if (i < arguments.count) {
      slotOf(i) = arguments.positional[i];
      continue;
    }
    std::string_view parameter = program_.constants[parameters[2 * i]].text();
    foundCaller |= parameter == "caller";
    take(parameter, slotOf(i));
  }
  if (node.callerSlot != kNoNode && !foundCaller) {
    Value& caller = activation->slots[node.callerSlot];
    if (!take("caller", caller) || caller.is(Tag::none)) makeUndefinedHint("No caller defined", caller);
  }
  if (node.kwargsSlot != kNoNode) {
    Dict* kwargs = newDict(arena_);
    for (const NamedValue& named : rest)
      if (!put(*kwargs, named.name, named.value)) return false;
    activation->slots[node.kwargsSlot] = makeDict(kwargs);
  } else if (!rest.empty()) {
    for (const NamedValue& named : rest)
      if (named.name.text() == "caller")
        return failType("macro " + name + " was invoked with two values for the special caller argument. This is most likely a bug.");
    return failType("macro " + name + " takes no keyword argument " + quotePython(rest[0].name.text()));
  }
  if (node.varargsSlot != kNoNode) {
    uint32_t first = std::min(node.parameterCount, arguments.count);
    std::vector<Value> varargs(arguments.positional + first, arguments.positional + arguments.count);
    if (!newListOf(varargs, activation->slots[node.varargsSlot], Tag::tuple)) return false;
  } else if (arguments.count > node.parameterCount) {
    return failType("macro " + name + " takes not more than " + std::to_string(node.parameterCount) + " argument(s)");
  }
  enter(node.scope, activation);
  uint32_t firstDefault = node.parameterCount - node.defaultCount;
  for (uint32_t i = 0; i < node.parameterCount; ++i) {
    if (!slotOf(i).is(Tag::missing)) continue;
    std::string_view parameter = program_.constants[parameters[2 * i]].text();
    Value value;
    bool ok = i >= firstDefault ? eval(parameters[2 * node.parameterCount + i - firstDefault], activation, value)
                                : makeUndefinedHint("parameter " + quotePython(parameter) + " was not provided", value);
    if (!ok) return false;
    slotOf(i) = value;
  }
  if (capture(node.body, activation, out) == Flow::failed) return false;
  if (autoescape_) out.flags |= kMarkup;
  return true;
}

static bool makeRange(Interpreter& self, const CallArguments& arguments, Value& out) {
  if (arguments.namedCount > 0)
    return self.failType("safe_range() got an unexpected keyword argument " + quotePython(arguments.named[0].name.text()));
  if (arguments.count == 0) return self.failType("range expected at least 1 argument, got 0");
  if (arguments.count > 3) return self.failType("range expected at most 3 arguments, got " + std::to_string(arguments.count));
  int64_t bounds[3];
  for (uint32_t i = 0; i < arguments.count; ++i) {
    const Value& value = arguments.positional[i];
    if (value.is(Tag::undefined)) return self.failType("'Undefined' object cannot be interpreted as an integer");
    if (!self.asIndex(value, bounds[i])) return false;
    bounds[i] = std::clamp(bounds[i], INT64_MIN / 4, INT64_MAX / 4);
  }
  Range range{arguments.count == 1 ? 0 : bounds[0], arguments.count == 1 ? bounds[0] : bounds[1], arguments.count == 3 ? bounds[2] : 1};
  if (range.step == 0) return self.fail("ValueError", "range() arg 3 must not be zero");
  if (range.size() > 100000) return self.fail("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
  out = makeTagged(Tag::range);
  out.range = self.arena().make<Range>(range);
  return true;
}

// dict(mapping or pairs, **named)
static bool makeDictOf(Interpreter& self, const CallArguments& arguments, Dict*& out) {
  if (arguments.count > 1) return self.failType("dict expected at most 1 argument, got " + std::to_string(arguments.count));
  out = newDict(self.arena(), arguments.namedCount);
  if (arguments.count == 1) {
    const Value& given = arguments.positional[0];
    if (given.is(Tag::dict)) {
      for (uint32_t i = 0; i < given.dict->size; ++i)
        if (!self.put(*out, given.dict->entries[i].key, given.dict->entries[i].value)) return false;
    } else {
      std::vector<Value> pairs;
      if (!self.collect(given, pairs)) return false;
      for (size_t i = 0; i < pairs.size(); ++i) {
        std::vector<Value> pair;
        if (!self.isIterable(pairs[i]))
          return self.failType("cannot convert dictionary update sequence element #" + std::to_string(i) + " to a sequence");
        if (!self.collect(pairs[i], pair)) return false;
        if (pair.size() != 2)
          return self.fail("ValueError", "dictionary update sequence element #" + std::to_string(i) + " has length " + std::to_string(pair.size()) +
                                             "; 2 is required");
        if (!self.put(*out, pair[0], pair[1])) return false;
      }
    }
  }
  for (uint32_t i = 0; i < arguments.namedCount; ++i)
    if (!self.put(*out, arguments.named[i].name, arguments.named[i].value)) return false;
  return true;
}

static bool makeNamespace(Interpreter& self, const CallArguments& arguments, Value& out) {
  Dict* attributes;
  if (!makeDictOf(self, arguments, attributes)) return false;
  for (uint32_t i = 0; i < attributes->size; ++i) {
    const Value& key = attributes->entries[i].key;
    if (key.isText() && key.text().starts_with('_'))
      return self.fail("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a namespace, but got " +
                                            quotePython(key.text()) + ". Please rename the attribute.");
  }
  out = makeTagged(Tag::nameSpace);
  out.nameSpace = self.arena().make<Namespace>(attributes);
  return true;
}

bool Interpreter::callFunction(FunctionName name, const CallArguments& arguments, Value& out) {
  Value bound[2];
  switch (name) {
    case FunctionName::range: return makeRange(*this, arguments, out);
    case FunctionName::nameSpace: return makeNamespace(*this, arguments, out);
    case FunctionName::dict: {
      Dict* dict;
      if (!makeDictOf(*this, arguments, dict)) return false;
      out = makeDict(dict);
      return true;
    }
    case FunctionName::dictFromKeys: {
      std::vector<Value> keys;
      if (!checkCount("fromkeys", arguments, 1, 2) || !collect(arguments.positional[0], keys)) return false;
      Dict* dict = newDict(arena_);
      for (const Value& key : keys)
        if (!put(*dict, key, arguments.count == 2 ? arguments.positional[1] : makeNone())) return false;
      out = makeDict(dict);
      return true;
    }
    case FunctionName::cycler: {
      if (arguments.namedCount > 0)
        return failType("Cycler.__init__() got an unexpected keyword argument " + quotePython(arguments.named[0].name.text()));
      if (arguments.count == 0) return fail("RuntimeError", "at least one item has to be provided");
      Value items;
      if (!newListOf({arguments.positional, arguments.positional + arguments.count}, items)) return false;
      out = makeTagged(Tag::cycler);
      out.cycler = arena_.make<Cycler>(items.list, 0u);
      return true;
    }
    case FunctionName::joiner:
      if (!bind({"Joiner.__init__", 0, 1, 1, {"sep"}}, arguments, bound)) return false;
      out = makeTagged(Tag::joiner);
      out.joiner = arena_.make<Joiner>(bound[0].is(Tag::missing) ? makeText(", ", kAscii) : bound[0], false);
      return true;
    case FunctionName::raiseException: {
      if (!bind({"_cached_compile_jinja_template.<locals>.raise_exception", 1, 0, 1, {"message"}}, arguments, bound)) return false;
      std::string message;
      return appendStr(bound[0], message) && fail("TemplateError", std::move(message));
    }
    case FunctionName::strftimeNow: {
      if (!bind({"_cached_compile_jinja_template.<locals>.strftime_now", 1, 0, 1, {"format"}}, arguments, bound)) return false;
      if (!bound[0].isText()) return failType("strftime() argument 1 must be str, not " + std::string(typeName(bound[0])));
      std::string text;
      return formatTime(bound[0].text(), limits_.clock, text) ? newText(text, out) : fail("ValueError", "Invalid format string");
    }
    case FunctionName::lipsum: return fail("unsupported", "lipsum() is not offered: its text is random");
  }
  return fail("internal", "unknown function");
}

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
