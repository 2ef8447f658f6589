#include "runtime/text/template/big_integer.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ingot::text {
namespace {

using Limbs = std::vector<uint32_t>;

void trim(Limbs& limbs) {
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
}

int compareMagnitude(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

Limbs addMagnitude(const Limbs& a, const Limbs& b) {
  Limbs sum(std::max(a.size(), b.size()) + 1);
  uint64_t carry = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    carry += (i < a.size() ? uint64_t{a[i]} : 0) + (i < b.size() ? b[i] : 0);
    sum[i] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  trim(sum);
  return sum;
}

// a >= b
Limbs subtractMagnitude(const Limbs& a, const Limbs& b) {
  Limbs difference(a.size());
  int64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t limb = int64_t{a[i]} - (i < b.size() ? b[i] : 0) + borrow;
    difference[i] = static_cast<uint32_t>(limb);
    borrow = limb < 0 ? -1 : 0;
  }
  trim(difference);
  return difference;
}

uint32_t divideSmall(Limbs& limbs, uint32_t divisor) {
  uint64_t remainder = 0;
  for (size_t i = limbs.size(); i-- > 0;) {
    remainder = remainder << 32 | limbs[i];
    limbs[i] = static_cast<uint32_t>(remainder / divisor);
    remainder %= divisor;
  }
  trim(limbs);
  return static_cast<uint32_t>(remainder);
}

// Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D. b has two limbs or more, a >= b.
void divideLong(const Limbs& a, const Limbs& b, Limbs& quotient, Limbs& remainder) {
  int shift = std::countl_zero(b.back());
  auto shifted = [shift](const Limbs& limbs, size_t i) -> uint32_t {
    uint64_t high = i < limbs.size() ? limbs[i] : 0, low = i > 0 ? limbs[i - 1] : 0;
    return static_cast<uint32_t>((high << 32 | low) >> (32 - shift));
  };
  size_t n = b.size(), m = a.size() - n;
  Limbs u(a.size() + 1), v(n);
  for (size_t i = 0; i < u.size(); ++i) u[i] = shifted(a, i);
  for (size_t i = 0; i < n; ++i) v[i] = shifted(b, i);
  quotient.assign(m + 1, 0);
  for (size_t j = m + 1; j-- > 0;) {
    uint64_t top = uint64_t{u[j + n]} << 32 | u[j + n - 1];
    uint64_t guess = top / v[n - 1], rest = top % v[n - 1];
    while (guess >> 32 || guess * v[n - 2] > (rest << 32 | u[j + n - 2])) {
      --guess;
      rest += v[n - 1];
      if (rest >> 32) break;
    }
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (size_t i = 0; i < n; ++i) {
      carry += guess * v[i];
      int64_t limb = int64_t{u[i + j]} - static_cast<uint32_t>(carry) + borrow;
      u[i + j] = static_cast<uint32_t>(limb);
      borrow = limb < 0 ? -1 : 0;
      carry >>= 32;
    }
    int64_t limb = int64_t{u[j + n]} - static_cast<int64_t>(carry) + borrow;
    u[j + n] = static_cast<uint32_t>(limb);
    if (limb < 0) {
      --guess;
      uint64_t back = 0;
      for (size_t i = 0; i < n; ++i) {
        back += uint64_t{u[i + j]} + v[i];
        u[i + j] = static_cast<uint32_t>(back);
        back >>= 32;
      }
      u[j + n] += static_cast<uint32_t>(back);
    }
    quotient[j] = static_cast<uint32_t>(guess);
  }
  remainder.assign(n, 0);
  for (size_t i = 0; i < n; ++i) remainder[i] = shift == 0 ? u[i] : static_cast<uint32_t>((uint64_t{u[i + 1]} << 32 | u[i]) >> shift);
  trim(quotient);
  trim(remainder);
}

int compareReal(const Value& a, double b) {
  if (std::isinf(b)) return b > 0 ? -1 : 1;
  Integer whole = Integer::of(b);
  int order = compare(Integer::of(a), whole);
  double fraction = b - std::trunc(b);
  if (order != 0 || fraction == 0) return order;
  return fraction > 0 ? -1 : 1;
}

NumberOrder orderOf(int order) { return order < 0 ? NumberOrder::less : order > 0 ? NumberOrder::greater : NumberOrder::equal; }

}  // namespace

Integer Integer::of(int64_t value) {
  Integer result{value < 0, {}};
  uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  for (; magnitude != 0; magnitude >>= 32) result.limbs.push_back(static_cast<uint32_t>(magnitude));
  return result;
}

Integer Integer::of(const Value& value) {
  if (!value.is(Tag::bigInteger)) return of(value.small());
  return {value.big->negative, Limbs(value.big->limbs, value.big->limbs + value.big->size)};
}

Integer Integer::of(double value) {
  int exponent;
  double fraction = std::frexp(std::fabs(std::trunc(value)), &exponent);
  if (exponent <= 62) return of(static_cast<int64_t>(value));
  auto mantissa = static_cast<uint64_t>(std::ldexp(fraction, 64));
  unsigned shift = static_cast<unsigned>(exponent) - 64u;  // wraps for 63, where one limb is cut below
  Integer result{value < 0, {}};
  if (exponent < 64) return mantissa >>= 1, result.limbs = {static_cast<uint32_t>(mantissa), static_cast<uint32_t>(mantissa >> 32)}, result;
  result.limbs.assign(shift / 32, 0);
  unsigned __int128 wide = static_cast<unsigned __int128>(mantissa) << (shift % 32);
  for (; wide != 0; wide >>= 32) result.limbs.push_back(static_cast<uint32_t>(wide));
  return result;
}

Value make(Arena& arena, const Integer& integer) {
  if (integer.limbs.size() <= 2) {
    uint64_t magnitude = 0;
    for (size_t i = 0; i < integer.limbs.size(); ++i) magnitude |= uint64_t{integer.limbs[i]} << (32 * i);
    if (magnitude <= static_cast<uint64_t>(INT64_MAX) + (integer.negative ? 1 : 0))
      return makeInteger(static_cast<int64_t>(integer.negative ? 0 - magnitude : magnitude));
  }
  auto* limbs = static_cast<uint32_t*>(arena.allocate(integer.limbs.size() * sizeof(uint32_t)));
  if (limbs == nullptr) return {};
  std::copy(integer.limbs.begin(), integer.limbs.end(), limbs);
  Value value = makeTagged(Tag::bigInteger);
  value.big = arena.make<BigInteger>(integer.negative, static_cast<uint32_t>(integer.limbs.size()), limbs);
  return value;
}

Integer add(const Integer& a, const Integer& b) {
  if (a.negative == b.negative) return {a.negative, addMagnitude(a.limbs, b.limbs)};
  int order = compareMagnitude(a.limbs, b.limbs);
  if (order == 0) return {};
  return order > 0 ? Integer{a.negative, subtractMagnitude(a.limbs, b.limbs)} : Integer{b.negative, subtractMagnitude(b.limbs, a.limbs)};
}

Integer subtract(const Integer& a, const Integer& b) {
  Integer negated = b;
  negated.negative = !b.negative && !b.isZero();
  return add(a, negated);
}

Integer multiply(const Integer& a, const Integer& b) {
  if (a.isZero() || b.isZero()) return {};
  Integer product{a.negative != b.negative, Limbs(a.limbs.size() + b.limbs.size())};
  for (size_t i = 0; i < a.limbs.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.limbs.size(); ++j) {
      carry += uint64_t{a.limbs[i]} * b.limbs[j] + product.limbs[i + j];
      product.limbs[i + j] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    product.limbs[i + b.limbs.size()] = static_cast<uint32_t>(carry);
  }
  trim(product.limbs);
  return product;
}

void divideFloor(const Integer& a, const Integer& b, Integer& quotient, Integer& remainder) {
  quotient = {a.negative != b.negative, {}};
  remainder = {a.negative, {}};
  if (compareMagnitude(a.limbs, b.limbs) < 0) {
    remainder.limbs = a.limbs;
  } else if (b.limbs.size() == 1) {
    quotient.limbs = a.limbs;
    if (uint32_t rest = divideSmall(quotient.limbs, b.limbs[0])) remainder.limbs = {rest};
  } else {
    divideLong(a.limbs, b.limbs, quotient.limbs, remainder.limbs);
  }
  if (!remainder.isZero() && a.negative != b.negative) {
    quotient = subtract(quotient, Integer::of(int64_t{1}));
    if (quotient.isZero()) quotient.negative = false;
    remainder = add(remainder, b);
  }
  if (quotient.isZero()) quotient.negative = false;
  if (remainder.isZero()) remainder.negative = false;
}

static uint64_t bitsOf(const Limbs& limbs) { return limbs.empty() ? 0 : limbs.size() * 32 - static_cast<uint64_t>(std::countl_zero(limbs.back())); }

static void shiftLeft(Limbs& limbs, uint64_t bits) {
  uint64_t carry = 0;
  for (uint32_t& limb : limbs) {
    carry |= uint64_t{limb} << (bits % 32);
    limb = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  limbs.push_back(static_cast<uint32_t>(carry));
  limbs.insert(limbs.begin(), bits / 32, 0);
  trim(limbs);
}

double divideToReal(const Integer& a, const Integer& b) {
  if (a.isZero()) return 0;
  Integer top{false, a.limbs}, bottom{false, b.limbs}, quotient, rest;
  auto shift = static_cast<int64_t>(bitsOf(a.limbs)) - static_cast<int64_t>(bitsOf(b.limbs));
  if (shift > 1100) return a.negative == b.negative ? HUGE_VAL : -HUGE_VAL;
  int64_t scale = 64 - shift;  // the quotient has 64 bits or 65, and what is left below only matters as being there
  shiftLeft(scale > 0 ? top.limbs : bottom.limbs, static_cast<uint64_t>(std::abs(scale)));
  divideFloor(top, bottom, quotient, rest);
  if (!rest.isZero()) quotient.limbs[0] |= 1;
  BigInteger exact{false, static_cast<uint32_t>(quotient.limbs.size()), quotient.limbs.data()};
  double value = std::ldexp(toReal(exact), static_cast<int>(std::max<int64_t>(-scale, -2200)));
  return a.negative == b.negative ? value : -value;
}

int compare(const Integer& a, const Integer& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int order = compareMagnitude(a.limbs, b.limbs);
  return a.negative ? -order : order;
}

NumberOrder compareNumbers(const Value& a, const Value& b) {
  if (a.isInteger() && b.isInteger()) return orderOf(a.small() < b.small() ? -1 : a.small() > b.small());
  if (a.is(Tag::real) && b.is(Tag::real)) {
    if (std::isnan(a.real) || std::isnan(b.real)) return NumberOrder::unordered;
    return orderOf(a.real < b.real ? -1 : a.real > b.real);
  }
  if (a.is(Tag::real)) return std::isnan(a.real) ? NumberOrder::unordered : orderOf(-compareReal(b, a.real));
  if (b.is(Tag::real)) return std::isnan(b.real) ? NumberOrder::unordered : orderOf(compareReal(a, b.real));
  return orderOf(compare(Integer::of(a), Integer::of(b)));
}

double toReal(const BigInteger& big) {
  // The top 64 bits, with a sticky bit for all that lies below, round as the whole does.
  double value = 0;
  if (big.size > 33) return big.negative ? -HUGE_VAL : HUGE_VAL;
  uint64_t bits = (uint64_t{big.size} - 1) * 32 + static_cast<uint64_t>(32 - std::countl_zero(big.limbs[big.size - 1]));
  uint64_t cut = bits > 64 ? bits - 64 : 0;
  uint64_t top = 0;
  bool sticky = false;
  for (uint64_t i = 0; i < bits; ++i) {
    bool bit = big.limbs[i / 32] >> (i % 32) & 1;
    if (i < cut) sticky |= bit;
    else top |= uint64_t{bit} << (i - cut);
  }
  value = std::ldexp(static_cast<double>(top | (sticky ? 1 : 0)), static_cast<int>(cut));
  return big.negative ? -value : value;
}

std::string toBase(const Integer& integer, uint32_t base) {
  if (integer.isZero()) return "0";
  std::string digits;
  for (Limbs limbs = integer.limbs; !limbs.empty();) digits += "0123456789abcdefghijklmnopqrstuvwxyz"[divideSmall(limbs, base)];
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string toDecimal(const Integer& integer) {
  if (integer.isZero()) return "0";
  std::vector<uint32_t> groups;
  for (Limbs limbs = integer.limbs; !limbs.empty();) groups.push_back(divideSmall(limbs, 1'000'000'000));
  std::string digits = (integer.negative ? "-" : "") + std::to_string(groups.back());
  for (size_t i = groups.size() - 1; i-- > 0;) {
    std::string group = std::to_string(groups[i]);
    digits.append(9 - group.size(), '0').append(group);
  }
  return digits;
}

Integer fromDigits(std::string_view digits, uint32_t base) {
  Integer result;
  for (char c : digits) {
    uint64_t carry = static_cast<uint64_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    for (uint32_t& limb : result.limbs) {
      carry += uint64_t{limb} * base;
      limb = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) result.limbs.push_back(static_cast<uint32_t>(carry));
  }
  return result;
}

}  // namespace ingot::text
