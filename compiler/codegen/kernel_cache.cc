#include "compiler/codegen/kernel_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <span>
#include <sstream>
#include <vector>

namespace ingot {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytesOf(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

// The start of an entry: a hash of its key and bytes, so that an entry under another name counts as damaged.
std::string sealOf(const Sha256& key, std::string_view bytes) {
  Sha256Stream stream;
  stream.add(std::as_bytes(std::span(key)));
  stream.add(bytesOf(bytes));
  Sha256 seal = stream.finish();
  return {seal.begin(), seal.end()};
}

bool writeAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

struct Entry {
  fs::path path;
  fs::file_time_type used;
  uint64_t bytes;
};

std::vector<Entry> entriesOf(const fs::path& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;  // another process removes entries too
    Entry entry{at->path(), at->last_write_time(gone), at->file_size(gone)};
    if (!gone) entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

KernelKey& KernelKey::add(std::string_view part) {
  uint64_t bytes = part.size();
  stream_.add(std::as_bytes(std::span(&bytes, 1)));
  stream_.add(bytesOf(part));
  return *this;
}

KernelCache::KernelCache(fs::path folder, uint64_t limitBytes) : folder_(std::move(folder)), limitBytes_(limitBytes) {}

KernelCache::~KernelCache() {
  if (!kept_) return;
  std::vector<Entry> entries = entriesOf(folder_);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used > b.used; });
  uint64_t bytes = 0;
  for (const Entry& entry : entries) {
    bytes += entry.bytes;
    std::error_code ignored;
    if (bytes > limitBytes_) fs::remove(entry.path, ignored);
  }
}

fs::path KernelCache::pathOf(const Sha256& key) const { return folder_ / toHex(key); }

std::optional<std::string> KernelCache::find(const Sha256& key) {
  std::ifstream in(pathOf(key), std::ios::binary);
  std::ostringstream read;
  read << in.rdbuf();
  std::string entry = std::move(read).str();
  if (entry.size() < key.size()) return std::nullopt;
  std::string bytes = entry.substr(key.size());
  if (entry.compare(0, key.size(), sealOf(key, bytes)) != 0) return std::nullopt;
  ++found_;
  std::error_code ignored;
  fs::last_write_time(pathOf(key), fs::file_time_type::clock::now(), ignored);
  return bytes;
}

void KernelCache::keep(const Sha256& key, std::string_view bytes) {
  std::error_code error;
  fs::create_directories(folder_, error);
  std::string temporary = (folder_ / ".XXXXXX").string();
  int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) return;
  bool whole = writeAll(descriptor, sealOf(key, bytes)) && writeAll(descriptor, bytes);
  whole = ::close(descriptor) == 0 && whole;
  if (whole) fs::rename(temporary, pathOf(key), error);
  if (!whole || error) ::unlink(temporary.c_str());
  else ++kept_;
}

}  // namespace ingot
