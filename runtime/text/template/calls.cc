// The part of Interpreter that calls: binding of arguments, and macros. Functions are in globals.cc, methods in methods.cc and text_methods.cc.
#include <algorithm>

#include "runtime/text/template/big_integer.h"
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

}  // namespace ingot::text
