// The one place that turns offsets from outside bytes into values: every read is bounds-checked. Little-endian.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "runtime/base/status.h"

namespace ingot {

// Reads forward over bytes it does not own. Thread-compatible.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  // Reads one integer or float; fails when fewer than sizeof(T) bytes remain.
  template <class T>
  Result<T> read() {
    static_assert(std::is_arithmetic_v<T>);
    INGOT_ASSIGN(auto bytes, take(sizeof(T)));
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  // The next `count` bytes, in place.
  Result<std::span<const std::byte>> take(uint64_t count) {
    if (count > remaining()) return Status::invalidInput("at byte {}: needs {} bytes, {} remain", position_, count, remaining());
    auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  Result<std::string_view> takeText(uint64_t count) {
    INGOT_ASSIGN(auto bytes, take(count));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

}  // namespace ingot
