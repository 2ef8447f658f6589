// SHA-256 (FIPS 180-4), by libcrypto linked statically: about 2 GB/s where the CPU has SHA instructions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ingot {

using Sha256 = std::array<uint8_t, 32>;

// Hashes bytes piece by piece. Thread-compatible.
class Sha256Stream {
 public:
  Sha256Stream();
  void add(std::span<const std::byte> bytes);
  Sha256 finish();

 private:
  alignas(8) std::array<std::byte, 128> state_;
};

Sha256 sha256(std::span<const std::byte> bytes);
std::string toHex(std::span<const uint8_t> bytes);

}  // namespace ingot
