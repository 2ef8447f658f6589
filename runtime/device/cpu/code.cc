#include "runtime/device/cpu/code.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace ingot {

Result<CodeMapping> CodeMapping::map(int descriptor, uint64_t offset, uint64_t bytes) {
  CodeMapping mapping;
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, static_cast<off_t>(offset));
  if (base == MAP_FAILED)
    return Status::io("cannot map {} bytes of code as executable: {}; is the file on a file system mounted noexec?", bytes, std::strerror(errno));
  mapping.base_ = base;
  mapping.bytes_ = bytes;
  return mapping;
}

CodeMapping::CodeMapping(CodeMapping&& other) noexcept { *this = std::move(other); }

CodeMapping& CodeMapping::operator=(CodeMapping&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

CodeMapping::~CodeMapping() {
  if (base_) munmap(base_, bytes_);
}

}  // namespace ingot
