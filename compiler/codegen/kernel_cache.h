// Compiled kernels in a folder of the user's, by what they were compiled from. Knows bytes and their hashes, no target; a cache
// that cannot be read or written costs time and is never an error.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/format/sha256.h"

namespace ingot {

// All that decides what a compiler gives: sources, flags, its own version. The order and bounds of the parts count.
class KernelKey {
 public:
  KernelKey& add(std::string_view part);
  Sha256 finish() { return stream_.finish(); }

 private:
  Sha256Stream stream_;
};

// Thread-safe; several processes may share a folder.
class KernelCache {
 public:
  explicit KernelCache(std::filesystem::path folder, uint64_t limitBytes = 256 << 20);
  // Removes what was used longest ago until the folder holds no more than the limit.
  ~KernelCache();
  KernelCache(const KernelCache&) = delete;
  KernelCache& operator=(const KernelCache&) = delete;

  // What was kept under `key`; nothing where it is not there or not whole.
  std::optional<std::string> find(const Sha256& key);
  // Appears whole or not at all.
  void keep(const Sha256& key, std::string_view bytes);

  int found() const { return found_; }
  int kept() const { return kept_; }

 private:
  std::filesystem::path pathOf(const Sha256& key) const;

  std::filesystem::path folder_;
  uint64_t limitBytes_;
  std::atomic<int> found_ = 0, kept_ = 0;
};

}  // namespace ingot
