// A file that appears whole or not at all: written beside its final place, then renamed over it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "runtime/base/status.h"

namespace ingot {

// Unlinks its temporary file when it ends without commit(). write() is thread-safe.
class OutputFile {
 public:
  // Reserves the disk space at once, so that a full disk is found before the work.
  static Result<OutputFile> create(const std::filesystem::path& path, uint64_t bytes);
  OutputFile(OutputFile&& other) noexcept;
  ~OutputFile();

  Status write(uint64_t offset, std::span<const std::byte> bytes) const;
  Status read(uint64_t offset, std::span<std::byte> out) const;
  // Makes the file durable and gives it its name.
  Status commit();

 private:
  OutputFile() = default;
  Status failed(const char* what) const;

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace ingot
