// Compiled kernels in a folder of the user's, keyed by a hash of their inputs. Knows bytes and hashes, no target. A cache that cannot be
// read or written costs time and is never an error.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/format/sha256.h"

namespace ingot {

// A hash of everything that determines a compiler's output: sources, flags, its version. The order and bounds of the parts count.
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
  // Evicts the least recently used entries beyond the limit.
  ~KernelCache();
  KernelCache(const KernelCache&) = delete;
  KernelCache& operator=(const KernelCache&) = delete;

  // The bytes kept under `key`; nothing if they are missing or damaged.
  std::optional<std::string> find(const Sha256& key);
  // Atomic: other processes see the whole entry or none.
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
