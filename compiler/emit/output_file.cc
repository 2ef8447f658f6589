#include "compiler/emit/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/base/large_pages.h"

namespace ingot {

Result<OutputFile> OutputFile::create(const std::filesystem::path& path, uint64_t bytes) {
  OutputFile file;
  file.path_ = path;
  auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::string name = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  file.descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (file.descriptor_ < 0) return Status::io("{}: cannot be written: {}", path.string(), std::strerror(errno));
  file.temporary_ = name;
  int error = posix_fallocate(file.descriptor_, 0, static_cast<off_t>(bytes));
  if (error == ENOSPC) {
    std::error_code ignored;
    auto space = std::filesystem::space(folder, ignored);
    return Status::resourceExhausted("{}: needs {} bytes, the disk has {}", path.string(), bytes, space.available);
  }
  file.blocks_ = std::make_unique<Blocks>();
  file.blocks_->open.resize((bytes + kLargePageBytes - 1) / kLargePageBytes);
  file.blocks_->fileBytes = bytes;
  if (error != 0 && ftruncate(file.descriptor_, static_cast<off_t>(bytes)) != 0) return file.failed("cannot be sized");
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      blocks_(std::move(other.blocks_)) {
  other.temporary_.clear();
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status OutputFile::failed(const char* what) const { return Status::io("{}: {}: {}", path_.string(), what, std::strerror(errno)); }

Status OutputFile::openBlocks(uint64_t offset, uint64_t bytes) const {
  static const std::vector<std::byte> kZeros(kLargePageBytes);
  std::lock_guard lock(blocks_->mutex);
  for (uint64_t block = offset / kLargePageBytes; block * kLargePageBytes < offset + bytes; ++block) {
    uint64_t start = block * kLargePageBytes;
    if (blocks_->open[block]) continue;
    blocks_->open[block] = true;
    INGOT_TRY(put(start, std::span(kZeros).first(std::min<uint64_t>(kLargePageBytes, blocks_->fileBytes - start))));
  }
  return {};
}

Status OutputFile::write(uint64_t offset, std::span<const std::byte> bytes) const {
  INGOT_TRY(openBlocks(offset, bytes.size()));
  return put(offset, bytes);
}

Status OutputFile::put(uint64_t offset, std::span<const std::byte> bytes) const {
  for (size_t done = 0; done < bytes.size();) {
    ssize_t put = pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return failed("write failed");
    done += static_cast<size_t>(put);
  }
  return {};
}

Status OutputFile::read(uint64_t offset, std::span<std::byte> out) const {
  for (size_t done = 0; done < out.size();) {
    ssize_t got = pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failed("reading back failed");
    done += static_cast<size_t>(got);
  }
  return {};
}

Status OutputFile::commit() {
  mode_t mask = umask(0);
  umask(mask);
  if (fchmod(descriptor_, 0666 & ~mask) != 0 || fsync(descriptor_) != 0) return failed("cannot be completed");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot be renamed");
  temporary_.clear();
  return {};
}

}  // namespace ingot
