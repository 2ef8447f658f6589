#include "runtime/base/utf8.h"

#include <cstring>

namespace ingot {

void appendUtf8(uint32_t c, std::string& out) {
  auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 63));
  if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
}

size_t validSequence(std::string_view text, size_t& invalid, bool& incomplete) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  invalid = 1;
  incomplete = false;
  unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80, high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (size_t i = 1; i < length; ++i, low = 0x80, high = 0xbf) {
    invalid = i;
    if (i == text.size()) {
      incomplete = true;
      return 0;
    }
    if (byte(i) < low || byte(i) > high) return 0;
  }
  return length;
}

bool isValidUtf8(std::string_view text) {
  size_t invalid;
  bool incomplete;
  while (!text.empty()) {
    uint64_t eight;
    if (text.size() >= 8 && (std::memcpy(&eight, text.data(), 8), (eight & 0x8080808080808080ull) == 0)) {
      text.remove_prefix(8);
      continue;
    }
    size_t length = validSequence(text, invalid, incomplete);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void appendLossy(std::string_view text, std::string& out) {
  while (!text.empty()) {
    size_t invalid;
    bool incomplete;
    size_t length = validSequence(text, invalid, incomplete);
    if (length) out.append(text.substr(0, length));
    else out += "\xef\xbf\xbd";
    text.remove_prefix(length ? length : invalid);
  }
}

}  // namespace ingot
