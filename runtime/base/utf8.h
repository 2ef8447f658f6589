// UTF-8 in and out, by the Unicode standard's table 3-7. Invalid bytes become U+FFFD, one for each maximal part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ingot {

// The code point at `at` of valid UTF-8, which moves past it.
inline uint32_t decodeAt(std::string_view text, size_t& at) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  uint32_t first = byte(at);
  if (first < 0x80) return ++at, first;
  if (first < 0xe0) return at += 2, (first & 31) << 6 | (byte(at - 1) & 63);
  if (first < 0xf0) return at += 3, (first & 15) << 12 | (byte(at - 2) & 63) << 6 | (byte(at - 1) & 63);
  return at += 4, (first & 7) << 18 | (byte(at - 3) & 63) << 12 | (byte(at - 2) & 63) << 6 | (byte(at - 1) & 63);
}

// Where the code point that ends before `end` begins.
inline size_t previousStart(std::string_view text, size_t end) {
  do --end;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80);
  return end;
}

void appendUtf8(uint32_t codePoint, std::string& out);

// Length of the valid sequence at the start of `text` (1 to 4); 0 where it is invalid, and then `invalid` is the number
// of bytes that one U+FFFD stands for; a sequence that only lacks its end sets `incomplete`.
size_t validSequence(std::string_view text, size_t& invalid, bool& incomplete);

bool isValidUtf8(std::string_view text);
// Appends `text` with U+FFFD for what is invalid (Rust's from_utf8_lossy).
void appendLossy(std::string_view text, std::string& out);

}  // namespace ingot
