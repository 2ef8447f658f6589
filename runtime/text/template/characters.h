// What Python's str knows of characters (unicode_tables.inc), and code points in and out of UTF-8.
// Lone surrogates, which Python's strings may hold, are three bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/utf8.h"

namespace ingot::text {

enum CharacterClass : uint16_t {
  kAlpha = 1,
  kDecimal = 2,
  kDigit = 4,
  kNumeric = 8,
  kSpace = 16,
  kUpper = 32,
  kLower = 64,
  kTitle = 128,
  kPrintable = 256,
  kCased = 512,
  kCaseIgnorable = 1024,
  kIdentifierStart = 2048,
  kIdentifier = 4096,
  kWord = 8192,
};

uint16_t classOf(uint32_t codePoint);
inline bool isSpaceAt(uint32_t codePoint) {
  return codePoint < 128 ? codePoint == ' ' || (codePoint >= 9 && codePoint <= 13) || (codePoint >= 28 && codePoint <= 31)
                         : (classOf(codePoint) & kSpace) != 0;
}
bool isLineEnd(uint32_t codePoint);
// 0..9 of a decimal digit of any script.
uint32_t decimalValue(uint32_t codePoint);

// The code point at `at`, which moves past it. Any byte that begins none counts as one.
uint32_t nextPoint(std::string_view text, size_t& at);
uint64_t countPoints(std::string_view text);
// Byte offset of code point `index`, or the size.
size_t offsetOf(std::string_view text, uint64_t index);

enum class CaseMap { upper, lower, title, fold };
// `text` is the whole string: a final sigma depends on its neighbours. `title`: only maps one character.
void appendCase(std::string_view text, CaseMap map, std::string& out);
// The lower case of the capital sigma whose first byte is at `at`.
uint32_t lowerSigma(std::string_view text, size_t at);

// The text of an HTML entity name (without &, maybe with ;), or empty.
std::string_view entityText(std::string_view name);

}  // namespace ingot::text
