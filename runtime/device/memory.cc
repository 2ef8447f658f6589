#include "runtime/device/memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace ingot {

Result<Memory> Memory::allocate(size_t bytes) {
  Memory memory;
  if (bytes == 0) return memory;
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return Status::resourceExhausted("cannot get {} bytes of memory: {}", bytes, std::strerror(errno));
  memory.data_ = static_cast<std::byte*>(mapped);
  memory.bytes_ = bytes;
  return memory;
}

Memory::~Memory() {
  if (data_) munmap(data_, bytes_);
}

}  // namespace ingot
