// The part of Interpreter that calls tests.
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

Signature signatureOf(TestName name) {
  using enum TestName;
  switch (name) {
    case divisibleby: return {"test_divisibleby", 2, 0, 2, {"value", "num"}};
    case in: return {"test_in", 2, 0, 2, {"value", "seq"}};
    case sameas: return {"test_sameas", 2, 0, 2, {"value", "other"}};
    case boolean: return {"test_boolean", 1, 0, 1, {"value"}};
    case defined: return {"test_defined", 1, 0, 1, {"value"}};
    case escaped: return {"test_escaped", 1, 0, 1, {"value"}};
    case even: return {"test_even", 1, 0, 1, {"value"}};
    case false_: return {"test_false", 1, 0, 1, {"value"}};
    case filter: return {"test_filter", 1, 1, 1, {"value"}};
    case float_: return {"test_float", 1, 0, 1, {"value"}};
    case integer: return {"test_integer", 1, 0, 1, {"value"}};
    case iterable: return {"test_iterable", 1, 0, 1, {"value"}};
    case lower: return {"test_lower", 1, 0, 1, {"value"}};
    case mapping: return {"test_mapping", 1, 0, 1, {"value"}};
    case none: return {"test_none", 1, 0, 1, {"value"}};
    case number: return {"test_number", 1, 0, 1, {"value"}};
    case odd: return {"test_odd", 1, 0, 1, {"value"}};
    case sequence: return {"test_sequence", 1, 0, 1, {"value"}};
    case string: return {"test_string", 1, 0, 1, {"value"}};
    case test: return {"test_test", 1, 1, 1, {"value"}};
    case true_: return {"test_true", 1, 0, 1, {"value"}};
    case undefined: return {"test_undefined", 1, 0, 1, {"value"}};
    case upper: return {"test_upper", 1, 0, 1, {"value"}};
    default: return {"callable", 1, 0, 1, {"obj"}};
  }
}

const char* operatorName(TestName name) {
  using enum TestName;
  switch (name) {
    case equal: return "eq";
    case notEqual: return "ne";
    case greater: return "gt";
    case greaterEqual: return "ge";
    case less: return "lt";
    case lessEqual: return "le";
    default: return nullptr;
  }
}

Operator operatorOf(TestName name) {
  using enum TestName;
  switch (name) {
    case equal: return Operator::equal;
    case notEqual: return Operator::notEqual;
    case greater: return Operator::greater;
    case greaterEqual: return Operator::greaterEqual;
    case less: return Operator::less;
    default: return Operator::lessEqual;
  }
}

bool isSame(const Value& a, const Value& b) {
  if (a.tag != b.tag) return false;
  if (a.isText()) return a.text() == b.text() && a.flags == b.flags;
  if (a.is(Tag::none)) return true;
  if (a.is(Tag::boolean)) return a.boolean == b.boolean;
  return a.bytes == b.bytes;
}

bool isCallable(const Value& value) {
  switch (value.tag) {
    case Tag::undefined:
    case Tag::macro:
    case Tag::loop:
    case Tag::method:
    case Tag::function:
    case Tag::joiner:
    case Tag::block: return true;
    default: return false;
  }
}

bool isSequence(const Value& value) {
  switch (value.tag) {
    case Tag::undefined:
    case Tag::text:
    case Tag::list:
    case Tag::tuple:
    case Tag::dict:
    case Tag::range: return true;
    default: return false;
  }
}

// What calls without arguments can ask.
bool holdsFor(Interpreter& self, TestName name, const Value& value) {
  using enum TestName;
  switch (name) {
    case boolean: return value.is(Tag::boolean);
    case callable: return isCallable(value);
    case defined: return !value.is(Tag::undefined);
    case escaped: return value.isMarkup();
    case false_: return value.is(Tag::boolean) && !value.boolean;
    case filter: return value.isText() && filterNamed(value.text()) >= 0;
    case float_: return value.is(Tag::real);
    case integer: return value.is(Tag::integer) || value.is(Tag::bigInteger);
    case iterable: return self.isIterable(value);
    case mapping: return value.is(Tag::dict);
    case none: return value.is(Tag::none);
    case number: return value.isInteger() || value.is(Tag::bigInteger) || value.is(Tag::real);
    case sequence: return isSequence(value);
    case string: return value.isText();
    case test: return value.isText() && testNamed(value.text()) >= 0;
    case true_: return value.is(Tag::boolean) && value.boolean;
    case undefined: return value.is(Tag::undefined);
    default: return false;
  }
}

}  // namespace

bool Interpreter::callTest(TestName name, const Value& operand, const CallArguments& arguments, bool& out) {
  using enum TestName;
  if (!step()) return false;
  if (const char* function = operatorName(name)) {
    if (arguments.namedCount > 0) return failType("_operator." + std::string(function) + "() takes no keyword arguments");
    if (arguments.count != 1) return failType(std::string(function) + " expected 2 arguments, got " + std::to_string(arguments.count + 1));
    return compare(operatorOf(name), operand, arguments.positional[0], out);
  }
  Value bound[2] = {operand, {}};
  bool takesOne = name != divisibleby && name != in && name != sameas;
  if (arguments.count + arguments.namedCount > 0 || !takesOne) {
    if (name == callable) return failType("callable() takes exactly one argument (" + std::to_string(arguments.count + 1) + " given)");
    std::vector<Value> all{operand};
    all.insert(all.end(), arguments.positional, arguments.positional + arguments.count);
    if (!bind(signatureOf(name), {all.data(), arguments.count + 1, arguments.named, arguments.namedCount}, bound)) return false;
  }
  Value rest, text;
  switch (name) {
    case odd:
    case even:
    case divisibleby:
      if (!binary(Operator::modulo, operand, name == divisibleby ? bound[1] : makeInteger(2), rest)) return false;
      out = text::equal(rest, makeInteger(name == odd));
      return true;
    case in: return contains(bound[1], operand, out);
    case sameas: out = isSame(operand, bound[1]); return true;
    case lower:
    case upper:
      if (!str(operand, text)) return false;
      out = name == lower ? isLower(text.text()) : isUpper(text.text());
      return true;
    case filter:
    case test: {
      Value unhashable;
      if (!hashable(operand, unhashable)) return failType("unhashable type: '" + std::string(typeName(unhashable)) + "'");
      [[fallthrough]];
    }
    default: out = holdsFor(*this, name, operand); return true;
  }
}

}  // namespace ingot::text
