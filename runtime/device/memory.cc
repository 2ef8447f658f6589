#include "runtime/device/memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/checked.h"
#include "runtime/base/large_pages.h"

namespace ingot {

namespace {

bool isLarge(size_t bytes) { return bytes >= kLargePageBytes; }
size_t mappedBytes(size_t bytes) { return roundUp(bytes, isLarge(bytes) ? kLargePageBytes : 4096); }

}  // namespace

Result<Memory> Memory::allocate(size_t bytes) {
  Memory memory;
  if (bytes == 0) return memory;
  auto failed = [&] { return Status::resourceExhausted("cannot get {} bytes of memory: {}", bytes, std::strerror(errno)); };
  bool large = isLarge(bytes);
  size_t whole = mappedBytes(bytes);
  std::byte* place = large ? reserveAligned(whole) : nullptr;
  if (large && !place) return failed();
  void* mapped = mmap(place, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (large ? MAP_FIXED : 0), -1, 0);
  if (mapped == MAP_FAILED) return failed();
  if (large) madvise(mapped, whole, MADV_HUGEPAGE);  // a wish: without it everything works, slower
  memory.data_ = static_cast<std::byte*>(mapped);
  memory.bytes_ = bytes;
  return memory;
}

Memory::~Memory() {
  if (data_) munmap(data_, mappedBytes(bytes_));
}

}  // namespace ingot
