// The part of Interpreter that assigns to names, tuples of them, and attributes of namespaces.
#include "runtime/text/template/interpreter.h"

namespace ingot::text {

Interpreter::Flow Interpreter::runAssign(const Node& node, Activation* activation) {
  Value value;
  if (node.kind == Kind::assign) {
    const Node& target = program_.nodes[node.a];
    if (target.kind == Kind::storeAttribute) {
      const Node& name = program_.nodes[target.a];
      if (!slot(activation, name.b, name.c)->is(Tag::nameSpace))
        return fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object") ? Flow::next : Flow::failed;
    }
    if (!eval(node.b, activation, value)) return Flow::failed;
  } else {
    enter(node.d, activation);
    if (Flow flow = capture(node.c, activation, value); flow != Flow::next) return flow;
    if (autoescape_) value.flags |= kMarkup;
    Value captured = value;
    if (node.b != kNoNode && !evalFilter(program_.nodes[node.b], &captured, activation, value)) return Flow::failed;
  }
  return assign(node.a, value, activation) ? Flow::next : Flow::failed;
}

bool Interpreter::assign(NodeId id, const Value& value, Activation* activation) {
  const Node& target = program_.nodes[id];
  if (target.kind == Kind::storeName) {
    *slot(activation, target.b, target.c) = value;
    if (target.known) exports_[target.a] = value;
    return true;
  }
  if (target.kind == Kind::storeTuple) return unpack(target, value, activation);
  const Node& name = program_.nodes[target.a];
  const Value& space = *slot(activation, name.b, name.c);
  if (!space.is(Tag::nameSpace)) return fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
  const Value& attribute = program_.constants[target.b];
  if (attribute.text().starts_with('_'))
    return fail("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '" +
                                     std::string(attribute.text()) + "'. Please rename the attribute.");
  return put(*space.nameSpace->attributes, attribute, value);
}

bool Interpreter::unpack(const Node& target, const Value& value, Activation* activation) {
  std::vector<Value> items;
  if (!isIterable(value)) return failType("cannot unpack non-iterable " + std::string(typeName(value)) + " object");
  if (value.is(Tag::list) || value.is(Tag::tuple)) {
    const List& list = *value.list;
    if (list.size == target.b) {
      for (uint32_t i = 0; i < target.b; ++i)
        if (!assign(program_.lists[target.a + i], list.items[i], activation)) return false;
      return true;
    }
  }
  if (!collect(value, items)) return false;
  std::string expected = std::to_string(target.b);
  if (items.size() < target.b)
    return fail("ValueError", "not enough values to unpack (expected " + expected + ", got " + std::to_string(items.size()) + ")");
  if (items.size() > target.b) return fail("ValueError", "too many values to unpack (expected " + expected + ")");
  for (uint32_t i = 0; i < target.b; ++i)
    if (!assign(program_.lists[target.a + i], items[i], activation)) return false;
  return true;
}

}  // namespace ingot::text
