// The part of Interpreter that evaluates expressions.
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {

bool Interpreter::eval(NodeId id, Activation* activation, Value& out) {
  const Node& node = program_.nodes[id];
  if (node.kind == Kind::constant) {
    out = program_.constants[node.a];
    return true;
  }
  if (node.kind == Kind::name) return evalName(node, activation, out);
  Deeper deeper(*this);
  if (step() && deeper.ok() && evalNode(node, activation, out)) [[likely]]
    return true;
  if (failureAt_ == UINT32_MAX) failureAt_ = node.at;
  return false;
}

bool Interpreter::evalNode(const Node& node, Activation* activation, Value& out) {
  Value left, right;
  switch (node.kind) {
    case Kind::attribute: return eval(node.a, activation, left) && attribute(left, program_.constants[node.b], int{node.known} - 1, out);
    case Kind::item: return evalItem(node, activation, out);
    case Kind::compare: return evalCompare(node, activation, out);
    case Kind::binary:
      return eval(node.a, activation, left) && eval(node.b, activation, right) && binary(static_cast<Operator>(node.op), left, right, out);
    case Kind::unary: return eval(node.a, activation, left) && unary(static_cast<Operator>(node.op), left, out);
    case Kind::logicalAnd: return eval(node.a, activation, out) && (!truth(out) || eval(node.b, activation, out));
    case Kind::logicalOr: return eval(node.a, activation, out) && (truth(out) || eval(node.b, activation, out));
    case Kind::logicalNot:
      if (!eval(node.a, activation, left)) return false;
      out = makeBoolean(!truth(left));
      return true;
    case Kind::test: return evalTest(node, activation, out);
    case Kind::filter: return evalFilter(node, nullptr, activation, out);
    case Kind::call: return evalCall(node, activation, nullptr, out);
    case Kind::condition: return evalCondition(node, activation, out);
    case Kind::concat: return evalConcat(node, activation, out);
    case Kind::list:
    case Kind::tuple: return evalSequence(node, activation, out);
    case Kind::dict: return evalDict(node, activation, out);
    default: return fail("internal", "not an expression");
  }
}

bool Interpreter::evalName(const Node& node, Activation* activation, Value& out) {
  const Value& value = *slot(activation, node.b, node.c);
  if (!value.is(Tag::missing)) [[likely]] {
    out = value;
    return true;
  }
  return makeUndefined(UndefinedKind::name, makeText(program_.names[node.a]), {}, out);
}

bool Interpreter::evalSequence(const Node& node, Activation* activation, Value& out) {
  List* list;
  if (!allocateList(node.b, list)) return false;
  for (uint32_t i = 0; i < node.b; ++i)
    if (!eval(program_.lists[node.a + i], activation, list->items[i])) return false;
  out = makeList(list, node.kind == Kind::list ? Tag::list : Tag::tuple);
  return true;
}

bool Interpreter::evalDict(const Node& node, Activation* activation, Value& out) {
  Dict* dict = newDict(arena_, node.b / 2);
  for (uint32_t i = 0; i < node.b; i += 2) {
    Value key, value;
    if (!eval(program_.lists[node.a + i], activation, key) || !eval(program_.lists[node.a + i + 1], activation, value)) return false;
    if (!put(*dict, key, value)) return false;
  }
  out = makeDict(dict);
  return true;
}

bool Interpreter::evalCompare(const Node& node, Activation* activation, Value& out) {
  Value left, right;
  if (!eval(node.a, activation, left)) return false;
  for (uint32_t i = 0; i < node.c; i += 2) {
    bool holds;
    if (!eval(program_.lists[node.b + i + 1], activation, right)) return false;
    if (!compare(static_cast<Operator>(program_.lists[node.b + i]), left, right, holds)) return false;
    out = makeBoolean(holds);
    if (!holds) return true;
    left = right;
  }
  return true;
}

bool Interpreter::evalConcat(const Node& node, Activation* activation, Value& out) {
  Value joined = makeText({}, kAscii);
  bool isMarkup = false;
  std::vector<Value> parts(node.b);
  for (uint32_t i = 0; i < node.b; ++i) {
    if (!eval(program_.lists[node.a + i], activation, parts[i])) return false;
    isMarkup |= autoescape_ && parts[i].isMarkup();
  }
  for (const Value& value : parts) {
    Value text;
    if (!(isMarkup ? escape(value, text) : str(value, text)) || !concatenate(joined, text, isMarkup ? kMarkup : 0, joined)) return false;
  }
  out = joined;
  return true;
}

bool Interpreter::evalItem(const Node& node, Activation* activation, Value& out) {
  Value object, key;
  if (!eval(node.a, activation, object)) return false;
  const Node& index = program_.nodes[node.b];
  if (index.kind != Kind::slice) return eval(node.b, activation, key) && item(object, key, node.known ? node.known - 1 : -1, out);
  Value bounds[3] = {makeNone(), makeNone(), makeNone()};
  NodeId nodes[3] = {index.a, index.b, index.c};
  for (int i = 0; i < 3; ++i)
    if (nodes[i] != kNoNode && !eval(nodes[i], activation, bounds[i])) return false;
  return sliceOf(object, bounds[0], bounds[1], bounds[2], out);
}

bool Interpreter::evalCondition(const Node& node, Activation* activation, Value& out) {
  Value test;
  if (!eval(node.a, activation, test)) return false;
  if (truth(test)) return eval(node.b, activation, out);
  if (node.c != kNoNode) return eval(node.c, activation, out);
  return makeUndefinedHint("the inline if-expression on line " + std::to_string(positionOf(program_, node.at).line) +
                               " evaluated to false and no else section was defined.",
                           out);
}

bool Interpreter::evalFilter(const Node& node, const Value* captured, Activation* activation, Value& out) {
  Value operand;
  if (node.a == kNoNode) operand = *captured;
  else if (program_.nodes[node.a].kind == Kind::filter && captured != nullptr) {
    if (!evalFilter(program_.nodes[node.a], captured, activation, operand)) return false;
  } else if (!eval(node.a, activation, operand)) {
    return false;
  }
  CallArguments arguments;
  if (node.c != kNoNode && !evalArguments(node.c, activation, nullptr, arguments)) return false;
  if (node.known == 0) return fail("TemplateRuntimeError", "No filter named " + quotePython(program_.constants[node.b].text()) + " found.");
  return callFilter(static_cast<FilterName>(node.known - 1), operand, arguments, out);
}

bool Interpreter::evalTest(const Node& node, Activation* activation, Value& out) {
  Value operand;
  CallArguments arguments;
  if (!eval(node.a, activation, operand)) return false;
  if (node.c != kNoNode && !evalArguments(node.c, activation, nullptr, arguments)) return false;
  if (node.known == 0) return fail("TemplateRuntimeError", "No test named " + quotePython(program_.constants[node.b].text()) + " found.");
  bool holds = false;
  if (!callTest(static_cast<TestName>(node.known - 1), operand, arguments, holds)) return false;
  out = makeBoolean(holds);
  return true;
}

bool Interpreter::evalCall(const Node& node, Activation* activation, const Value* caller, Value& out) {
  Value callee;
  CallArguments arguments;
  return eval(node.a, activation, callee) && evalArguments(node.c, activation, caller, arguments) && call(callee, arguments, out);
}

bool Interpreter::evalArguments(uint32_t id, Activation* activation, const Value* caller, CallArguments& out) {
  const Arguments& arguments = program_.arguments[id];
  bool isDynamic = arguments.starred != kNoNode || arguments.doubleStarred != kNoNode;
  uint32_t namedCount = arguments.namedCount + (caller != nullptr);
  auto* positional = static_cast<Value*>(arena_.allocate(arguments.positionalCount * sizeof(Value), true));
  auto* named = static_cast<NamedValue*>(arena_.allocate(namedCount * sizeof(NamedValue), true));
  for (uint32_t i = 0; i < arguments.positionalCount; ++i)
    if (!eval(program_.lists[arguments.positional + i], activation, positional[i])) return false;
  for (uint32_t i = 0; i < arguments.namedCount; ++i) {
    named[i].name = program_.constants[program_.lists[arguments.named + 2 * i]];
    if (!eval(program_.lists[arguments.named + 2 * i + 1], activation, named[i].value)) return false;
  }
  if (caller != nullptr) named[arguments.namedCount] = {makeText("caller", kAscii), *caller};
  out = {positional, arguments.positionalCount, named, namedCount};
  if (!isDynamic) return true;
  std::vector<Value> all(positional, positional + arguments.positionalCount);
  std::vector<NamedValue> allNamed(named, named + namedCount);
  if (!addDynamic(arguments, activation, all, allNamed)) return false;
  auto* values = static_cast<Value*>(arena_.allocate(all.size() * sizeof(Value)));
  auto* names = static_cast<NamedValue*>(arena_.allocate(allNamed.size() * sizeof(NamedValue)));
  if (values == nullptr || names == nullptr) return failLimit("memory", limits_.maxMemoryBytes);
  std::copy(all.begin(), all.end(), values);
  std::copy(allNamed.begin(), allNamed.end(), names);
  out = {values, static_cast<uint32_t>(all.size()), names, static_cast<uint32_t>(allNamed.size())};
  return true;
}

// *args and **kwargs.
bool Interpreter::addDynamic(const Arguments& arguments, Activation* activation, std::vector<Value>& positional, std::vector<NamedValue>& named) {
  Value value;
  if (arguments.starred != kNoNode) {
    if (!eval(arguments.starred, activation, value)) return false;
    if (!isIterable(value)) return failType("Value after * must be an iterable, not " + std::string(typeName(value)));
    if (!collect(value, positional)) return false;
  }
  if (arguments.doubleStarred == kNoNode) return true;
  if (!eval(arguments.doubleStarred, activation, value)) return false;
  if (value.is(Tag::undefined)) return failUndefined(value);
  if (!value.is(Tag::dict))
    return failType("jinja2.sandbox.SandboxedEnvironment.call() argument after ** must be a mapping, not " + std::string(typeName(value)));
  for (uint32_t i = 0; i < value.dict->size; ++i) {
    const DictEntry& entry = value.dict->entries[i];
    if (!entry.key.isText()) return failType("keywords must be strings");
    for (const NamedValue& other : named)
      if (other.name.text() == entry.key.text())
        return failType("jinja2.sandbox.SandboxedEnvironment.call() got multiple values for keyword argument " + quotePython(entry.key.text()));
    named.push_back({entry.key, entry.value});
  }
  return true;
}

}  // namespace ingot::text
