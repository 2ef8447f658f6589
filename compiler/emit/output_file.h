// A file that appears whole or not at all: written beside its final place, then renamed over it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "runtime/base/status.h"

namespace ingot {

// Unlinks its temporary file when it ends without commit(). write() is thread-safe.
class OutputFile {
 public:
  // Reserves all disk space first, so that a full disk is found before the work.
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
  Status put(uint64_t offset, std::span<const std::byte> bytes) const;
  Status openBlocks(uint64_t offset, uint64_t bytes) const;

  // Which blocks (of the size of a large page) have been written to. The first write to one covers the whole block: file systems then cache it as
  // one large page, which the runtime can map as such.
  struct Blocks {
    std::mutex mutex;
    std::vector<bool> open;
    uint64_t fileBytes;
  };

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
  std::unique_ptr<Blocks> blocks_;
};

}  // namespace ingot
