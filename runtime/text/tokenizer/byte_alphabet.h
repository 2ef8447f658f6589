// GPT-2's spelling of bytes as characters (bytes_to_unicode): printable Latin-1 stands for itself, the rest follow from U+0100.
#pragma once

#include <array>
#include <cstdint>

namespace ingot::text {

inline constexpr auto kByteAlphabet = [] {
  std::array<uint16_t, 256> points{};
  uint16_t next = 256;
  for (uint16_t byte = 0; byte < 256; ++byte)
    points[byte] = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174 ? byte : next++;
  return points;
}();

// The byte that a character stands for, or -1.
inline int byteOfCharacter(uint32_t c) {
  constexpr auto kBytes = [] {
    std::array<int16_t, 324> bytes{};
    for (auto& byte : bytes) byte = -1;
    for (int16_t byte = 0; byte < 256; ++byte) bytes[kByteAlphabet[static_cast<size_t>(byte)]] = byte;
    return bytes;
  }();
  return c < kBytes.size() ? kBytes[c] : -1;
}

}  // namespace ingot::text
