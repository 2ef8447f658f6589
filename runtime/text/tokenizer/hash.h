// The hashes of the tokenizer's tables. Part of the file format: compiler and runtime must agree.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace ingot::text {

inline uint64_t mixHash(uint64_t a, uint64_t b) {
  unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Of a token's bytes (in the manner of wyhash, W. Yi 2019).
inline uint64_t hashBytes(std::string_view bytes) {
  uint64_t hash = 0x9e3779b97f4a7c15ull ^ bytes.size();
  while (bytes.size() > 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    hash = mixHash(hash ^ word, 0xa0761d6478bd642full);
    bytes.remove_prefix(8);
  }
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  return mixHash(hash ^ word, 0xe7037ed1a0b428dbull);
}

inline uint64_t hashPair(uint32_t left, uint32_t right) {
  return mixHash((uint64_t{left} << 32 | right) ^ 0x9e3779b97f4a7c15ull, 0xa0761d6478bd642full);
}

}  // namespace ingot::text
