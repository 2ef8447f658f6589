// The part of Interpreter that computes: Python's operators, with Python's complaints.
#include <cmath>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

constexpr const char* kSymbols[] = {"+", "-", "*", "/", "//", "%", "** or pow()", "-", "+", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};

bool isWhole(const Value& value) { return value.isInteger() || value.is(Tag::bigInteger); }
bool isNumber(const Value& value) { return isWhole(value) || value.is(Tag::real); }
bool isSequence(const Value& value) { return value.isText() || value.is(Tag::list) || value.is(Tag::tuple); }

double realOf(const Value& value) {
  if (value.is(Tag::real)) return value.real;
  return value.is(Tag::bigInteger) ? toReal(*value.big) : static_cast<double>(value.small());
}

double floorMod(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

double floorDiv(double a, double b) {
  double rest = std::fmod(a, b), quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

// Both fit 64 bits; false when the result does not.
bool smallBinary(Operator op, int64_t a, int64_t b, int64_t& out) {
  switch (op) {
    case Operator::add: return !__builtin_add_overflow(a, b, &out);
    case Operator::subtract: return !__builtin_sub_overflow(a, b, &out);
    case Operator::multiply: return !__builtin_mul_overflow(a, b, &out);
    case Operator::floorDivide:
    case Operator::modulo: {
      if (b == -1 || b == 0) return false;
      int64_t quotient = a / b, rest = a % b;
      bool isBelow = rest != 0 && (rest < 0) != (b < 0);
      out = op == Operator::modulo ? (isBelow ? rest + b : rest) : quotient - isBelow;
      return true;
    }
    default: return false;
  }
}

}  // namespace

static bool integerPower(Interpreter& self, const Value& left, const Value& right, Value& out) {
  if (right.is(Tag::bigInteger)) {
    if (left.isInteger() && (left.small() == 0 || left.small() == 1)) return out = left, true;
    return self.failLimit("memory", self.limits().maxMemoryBytes);
  }
  Integer base = Integer::of(left), result = Integer::of(int64_t{1});
  for (int64_t exponent = right.small(); exponent > 0; exponent >>= 1) {
    uint64_t cost = uint64_t{base.limbs.size()} * base.limbs.size() / 8 + 1;
    if (base.limbs.size() * 8 > self.limits().maxMemoryBytes) return self.failLimit("memory", self.limits().maxMemoryBytes);
    if (!self.step(cost)) return false;
    if (exponent & 1) result = multiply(result, base);
    if (exponent > 1) base = multiply(base, base);
  }
  out = make(self.arena(), result);
  return !out.is(Tag::missing) || self.failLimit("memory", self.limits().maxMemoryBytes);
}

static bool wholeBinary(Interpreter& self, Operator op, const Value& left, const Value& right, Value& out) {
  int64_t small;
  if (left.isInteger() && right.isInteger() && smallBinary(op, left.small(), right.small(), small)) return out = makeInteger(small), true;
  bool byZero = right.isInteger() && right.small() == 0;
  if (op == Operator::power) return integerPower(self, left, right, out);
  if (byZero && op == Operator::floorDivide) return self.fail("ZeroDivisionError", "integer division or modulo by zero");
  if (byZero && op == Operator::modulo) return self.fail("ZeroDivisionError", "integer modulo by zero");
  Integer a = Integer::of(left), b = Integer::of(right), result, rest;
  if (!self.step(a.limbs.size() * std::max<size_t>(b.limbs.size(), 1) / 8 + 1)) return false;
  switch (op) {
    case Operator::add: result = add(a, b); break;
    case Operator::subtract: result = subtract(a, b); break;
    case Operator::multiply: result = multiply(a, b); break;
    case Operator::floorDivide: divideFloor(a, b, result, rest); break;
    default: divideFloor(a, b, rest, result);
  }
  out = make(self.arena(), result);
  return !out.is(Tag::missing) || self.failLimit("memory", self.limits().maxMemoryBytes);
}

static bool realPower(Interpreter& self, double a, double b, Value& out) {
  if (a == 0 && b < 0) return self.fail("ZeroDivisionError", "0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(b) && b != std::floor(b)) return self.fail("ValueError", "complex numbers are not supported");
  double result = std::pow(a, b);
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) return self.fail("OverflowError", "(34, 'Numerical result out of range')");
  out = makeReal(result);
  return true;
}

static bool realBinary(Interpreter& self, Operator op, const Value& left, const Value& right, Value& out) {
  bool bothWhole = isWhole(left) && isWhole(right);
  constexpr int64_t kExact = int64_t{1} << 53;
  bool areSmall = left.isInteger() && right.isInteger() && std::abs(left.small() / 2) < kExact / 2 && std::abs(right.small() / 2) < kExact / 2;
  if (bothWhole && op == Operator::divide && !areSmall && self.truth(right)) {
    Integer a = Integer::of(left), b = Integer::of(right);
    if (!self.step(a.limbs.size() * b.limbs.size() / 8 + 1)) return false;
    double quotient = divideToReal(a, b);
    if (std::isinf(quotient)) return self.fail("OverflowError", "integer division result too large for a float");
    out = makeReal(quotient);
    return true;
  }
  double a = realOf(left), b = realOf(right);
  if (std::isinf(a) && left.is(Tag::bigInteger)) return self.fail("OverflowError", "int too large to convert to float");
  if (std::isinf(b) && right.is(Tag::bigInteger)) return self.fail("OverflowError", "int too large to convert to float");
  switch (op) {
    case Operator::add: out = makeReal(a + b); return true;
    case Operator::subtract: out = makeReal(a - b); return true;
    case Operator::multiply: out = makeReal(a * b); return true;
    case Operator::divide:
      if (b == 0) return self.fail("ZeroDivisionError", bothWhole ? "division by zero" : "float division by zero");
      out = makeReal(a / b);
      return true;
    case Operator::floorDivide:
      if (b == 0) return self.fail("ZeroDivisionError", "float floor division by zero");
      out = makeReal(floorDiv(a, b));
      return true;
    case Operator::modulo:
      if (b == 0) return self.fail("ZeroDivisionError", "float modulo");
      out = makeReal(floorMod(a, b));
      return true;
    default: return realPower(self, a, b, out);
  }
}

static bool repeat(Interpreter& self, const Value& sequence, const Value& times, Value& out) {
  if (times.is(Tag::bigInteger)) {
    if (!times.big->negative) return self.fail("OverflowError", "cannot fit 'int' into an index-sized integer");
    return repeat(self, sequence, makeInteger(0), out);
  }
  auto count = static_cast<uint64_t>(std::max<int64_t>(times.small(), 0));
  uint64_t unit = sequence.isText() ? sequence.length : sequence.list->size;
  if (unit == 0) count = 0;
  if (count > 0 && count > self.limits().maxMemoryBytes / unit) return self.failLimit("memory", self.limits().maxMemoryBytes);
  if (!self.step(1 + unit * count / 64)) return false;
  if (sequence.isText()) {
    std::string text;
    text.reserve(unit * count);
    for (uint64_t i = 0; i < count; ++i) text.append(sequence.text());
    return self.newText(text, sequence.flags, out);
  }
  List* list;
  if (!self.allocateList(unit * count, list)) return false;
  for (uint64_t i = 0; i < count; ++i) std::copy_n(sequence.list->items, unit, list->items + i * unit);
  out = makeList(list, sequence.tag);
  return true;
}

static bool joinLists(Interpreter& self, const Value& left, const Value& right, Value& out) {
  List* list;
  if (!self.step(left.list->size + right.list->size) || !self.allocateList(uint64_t{left.list->size} + right.list->size, list)) return false;
  std::copy_n(left.list->items, left.list->size, list->items);
  std::copy_n(right.list->items, right.list->size, list->items + left.list->size);
  out = makeList(list, left.tag);
  return true;
}

bool Interpreter::binary(Operator op, const Value& left, const Value& right, Value& out) {
  if (left.isText() && right.isText() && op == Operator::add) {
    if (!((left.flags | right.flags) & kMarkup)) [[likely]]
      return concatenate(left, right, 0, out);
    Value a, b;
    return escape(left, a) && escape(right, b) && concatenate(a, b, kMarkup, out);
  }
  if (left.is(Tag::undefined)) return failUndefined(left);
  if (op == Operator::modulo && left.isText()) return formatPercent(left, right, out);
  if (right.is(Tag::undefined)) return failUndefined(right);
  if (isNumber(left) && isNumber(right)) {
    bool isReal = left.is(Tag::real) || right.is(Tag::real) || op == Operator::divide;
    isReal |= op == Operator::power && (right.is(Tag::bigInteger) ? right.big->negative : right.isInteger() && right.small() < 0);
    return isReal ? realBinary(*this, op, left, right, out) : wholeBinary(*this, op, left, right, out);
  }
  if (op == Operator::add && (left.is(Tag::list) || left.is(Tag::tuple)) && left.tag == right.tag) return joinLists(*this, left, right, out);
  if (op == Operator::multiply) {
    if (isSequence(left) && isWhole(right)) return repeat(*this, left, right, out);
    if (isSequence(right) && isWhole(left)) return repeat(*this, right, left, out);
    if (isSequence(left)) return failType("can't multiply sequence by non-int of type '" + std::string(typeName(right)) + "'");
    if (isSequence(right)) return failType("can't multiply sequence by non-int of type '" + std::string(typeName(left)) + "'");
  }
  if (op == Operator::add && isSequence(left) && !left.isMarkup()) {
    std::string own(typeName(left));
    return failType("can only concatenate " + own + " (not \"" + std::string(typeName(right)) + "\") to " + own);
  }
  return failType("unsupported operand type(s) for " + std::string(kSymbols[static_cast<int>(op)]) + ": '" + std::string(typeName(left)) + "' and '" +
                  std::string(typeName(right)) + "'");
}

bool Interpreter::unary(Operator op, const Value& operand, Value& out) {
  if (operand.is(Tag::undefined)) return failUndefined(operand);
  if (operand.is(Tag::real)) return out = makeReal(op == Operator::negate ? -operand.real : operand.real), true;
  if (isWhole(operand)) {
    if (op == Operator::plus) return out = operand.is(Tag::boolean) ? makeInteger(operand.small()) : operand, true;
    return wholeBinary(*this, Operator::subtract, makeInteger(0), operand, out);
  }
  return failType("bad operand type for unary " + std::string(kSymbols[static_cast<int>(op)]) + ": '" + std::string(typeName(operand)) + "'");
}

bool Interpreter::contains(const Value& container, const Value& item, bool& out) {
  switch (container.tag) {
    case Tag::text:
      if (!item.isText()) return failType("'in <string>' requires string as left operand, not " + std::string(typeName(item)));
      out = container.text().find(item.text()) != std::string_view::npos;
      return step(1 + container.length / 64);
    case Tag::dict: {
      Value unhashable;
      if (!hashable(item, unhashable, container.dict->size)) return failType("unhashable type: '" + std::string(typeName(unhashable)) + "'");
      out = find(*container.dict, item) != nullptr;
      return true;
    }
    case Tag::list:
    case Tag::tuple:
      out = false;
      for (uint32_t i = 0; i < container.list->size && !out; ++i)
        if (!same(container.list->items[i], item, out)) return false;
      return step(1 + container.list->size);
    default: break;
  }
  if (!isIterable(container)) return failType("argument of type '" + std::string(typeName(container)) + "' is not iterable");
  Iterator* iterator;
  if (!iterate(container, iterator)) return false;
  for (bool done = false;;) {
    Value next;
    if (!step() || !iterator->next(*this, *iterator, next, done)) return false;
    if (done) return out = false, true;
    if (!same(next, item, out)) return false;
    if (out) return true;
  }
}

// Sets `out` to less than, equal to or greater than zero.
bool Interpreter::order(const Value& left, const Value& right, const char* symbol, int& out, bool& unordered) {
  Deeper deeper(*this);
  if (!step() || !deeper.ok()) return false;
  unordered = false;
  if (left.is(Tag::undefined)) return failUndefined(left);
  if (right.is(Tag::undefined)) return failUndefined(right);
  if (left.isText() && right.isText()) return out = left.text().compare(right.text()), true;
  if (isNumber(left) && isNumber(right)) {
    NumberOrder found = compareNumbers(left, right);
    unordered = found == NumberOrder::unordered;
    out = static_cast<int>(found) - static_cast<int>(NumberOrder::equal);
    return true;
  }
  if ((left.is(Tag::list) || left.is(Tag::tuple)) && left.tag == right.tag) {
    uint32_t common = std::min(left.list->size, right.list->size);
    for (uint32_t i = 0; i < common; ++i) {
      bool isSame;
      if (!same(left.list->items[i], right.list->items[i], isSame)) return false;
      if (!isSame) return order(left.list->items[i], right.list->items[i], symbol, out, unordered);
    }
    out = left.list->size < right.list->size ? -1 : left.list->size > right.list->size;
    return true;
  }
  return failType("'" + std::string(symbol) + "' not supported between instances of '" + std::string(typeName(left)) + "' and '" +
                  std::string(typeName(right)) + "'");
}

bool Interpreter::compare(Operator op, const Value& left, const Value& right, bool& out) {
  switch (op) {
    case Operator::equal:
    case Operator::notEqual:
      if (!same(left, right, out)) return false;
      out = out == (op == Operator::equal);
      return true;
    case Operator::in: return contains(right, left, out);
    case Operator::notIn:
      if (!contains(right, left, out)) return false;
      out = !out;
      return true;
    default: break;
  }
  int found = 0;
  bool unordered = false;
  if (!order(left, right, kSymbols[static_cast<int>(op)], found, unordered)) return false;
  out = op == Operator::less ? found < 0 : op == Operator::lessEqual ? found <= 0 : op == Operator::greater ? found > 0 : found >= 0;
  out = out && !unordered;
  return true;
}

}  // namespace ingot::text
