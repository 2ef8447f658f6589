// Anonymous memory by the page: zero and free of cost until touched; large pages from 2 MiB on, where the system has them. Move-only.
#pragma once

#include <cstddef>
#include <utility>

#include "runtime/base/status.h"

namespace ingot {

class Memory {
 public:
  static Result<Memory> allocate(size_t bytes);
  Memory() = default;
  Memory(Memory&& other) noexcept { *this = std::move(other); }
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Memory();

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace ingot
