// Maps a code image straight from the artifact, read + execute: the pages are the file's own, shared by all processes.
#pragma once

#include <cstdint>

#include "runtime/base/status.h"

namespace ingot {

// Executable pages. Move-only; the mapping ends with it.
class CodeMapping {
 public:
  // `offset` is a multiple of the page size. The image has no relocations and refers to nothing outside itself.
  static Result<CodeMapping> map(int descriptor, uint64_t offset, uint64_t bytes);
  CodeMapping() = default;
  CodeMapping(CodeMapping&& other) noexcept;
  CodeMapping& operator=(CodeMapping&& other) noexcept;
  ~CodeMapping();

  const void* at(uint64_t offset) const { return static_cast<const char*>(base_) + offset; }

 private:
  void* base_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace ingot
