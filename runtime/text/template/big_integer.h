// Integers of any size, for the few templates and documents that have them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/template/value.h"

namespace ingot::text {

// Magnitude in base 2^32, lowest limb first, no leading zero limb.
struct BigInteger {
  bool negative;
  uint32_t size;
  const uint32_t* limbs;
};

enum class NumberOrder { less, equal, greater, unordered };

// For sums while they last; make() turns it into the smallest Value that holds it.
struct Integer {
  bool negative = false;
  std::vector<uint32_t> limbs;

  static Integer of(int64_t value);
  static Integer of(const Value& value);  // integer, boolean or bigInteger
  static Integer of(double value);        // cut toward zero; finite
  bool isZero() const { return limbs.empty(); }
};

// Missing when the arena refuses.
Value make(Arena& arena, const Integer& integer);

Integer add(const Integer& a, const Integer& b);
Integer subtract(const Integer& a, const Integer& b);
Integer multiply(const Integer& a, const Integer& b);
// Rounds toward negative infinity; b is not zero.
void divideFloor(const Integer& a, const Integer& b, Integer& quotient, Integer& remainder);
// a / b to the nearest double; infinity when it is too big. b is not zero.
double divideToReal(const Integer& a, const Integer& b);
// -1, 0, 1
int compare(const Integer& a, const Integer& b);

// Both are integer, boolean, bigInteger or real.
NumberOrder compareNumbers(const Value& a, const Value& b);

// Nearest; infinity when it is too big.
double toReal(const BigInteger& big);
std::string toDecimal(const Integer& integer);
// Digits of the magnitude in base 2..36, lower case.
std::string toBase(const Integer& integer, uint32_t base);
// Digits only, in base 2..36, already checked.
Integer fromDigits(std::string_view digits, uint32_t base);

}  // namespace ingot::text
