// Checked reading of input files, and JSON with duplicate keys refused. Nothing here trusts a size from a file.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "runtime/base/status.h"

namespace ingot {

// An open regular file. Move-only; reads are positioned, so one File serves many threads.
class File {
 public:
  static Result<File> open(const std::filesystem::path& path);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const { return size_; }

  // Fills `out` from byte `offset` on; fails when the file ends before.
  Status read(uint64_t offset, std::span<std::byte> out) const;
  // Lets the kernel forget pages [offset, offset + bytes) once they were read: compiling streams, it does not cache.
  void forget(uint64_t offset, uint64_t bytes) const;

 private:
  File() = default;
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

// The whole of a text file of at most `limit` bytes.
Result<std::string> readTextFile(const std::filesystem::path& path, uint64_t limit = 256u << 20);

// Parses JSON; refuses duplicate keys, nesting over 64, and invalid UTF-8. `where` starts every message.
Result<nlohmann::ordered_json> parseJson(std::string_view text, std::string_view where);
Result<nlohmann::ordered_json> readJsonFile(const std::filesystem::path& path);

}  // namespace ingot
