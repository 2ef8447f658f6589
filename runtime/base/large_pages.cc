#include "runtime/base/large_pages.h"

#include <sys/mman.h>

#include <cstdint>

#include "runtime/base/checked.h"

namespace ingot {

std::byte* reserveAligned(size_t bytes) {
  bytes = roundUp(bytes, 4096);
  void* reserved = mmap(nullptr, bytes + kLargePageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(reserved);
  size_t before = -reinterpret_cast<uintptr_t>(begin) % kLargePageBytes;
  if (before) munmap(begin, before);
  munmap(begin + before + bytes, kLargePageBytes - before);
  return begin + before;
}

}  // namespace ingot
