#include "compiler/support/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

namespace ingot {

Result<File> File::open(const std::filesystem::path& path) {
  File file;
  file.path_ = path;
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) return Status::notFound("{}: cannot be read: {}", path.string(), std::strerror(errno));
  struct stat info{};
  if (fstat(file.descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) return Status::invalidInput("{}: is not a regular file", path.string());
  file.size_ = static_cast<uint64_t>(info.st_size);
  return file;
}

File::File(File&& other) noexcept { *this = std::move(other); }

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status File::read(uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset)
    return Status::invalidInput("{}: needs bytes [{}, {}), file has {}", path_.string(), offset, offset + out.size(), size_);
  size_t done = 0;
  while (done < out.size()) {
    ssize_t got = pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::io("{}: read failed: {}", path_.string(), std::strerror(errno));
    if (got == 0) return Status::io("{}: ended at byte {} while being read", path_.string(), offset + done);
    done += static_cast<size_t>(got);
  }
  return {};
}

void File::forget(uint64_t offset, uint64_t bytes) const {
  posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_DONTNEED);
}

Result<std::string> readTextFile(const std::filesystem::path& path, uint64_t limit) {
  INGOT_ASSIGN(File file, File::open(path));
  if (file.size() > limit) return Status::invalidInput("{}: has {} bytes, at most {} are read", path.string(), file.size(), limit);
  std::string text(file.size(), '\0');
  INGOT_TRY(file.read(0, std::as_writable_bytes(std::span(text))));
  return text;
}

Result<nlohmann::ordered_json> parseJson(std::string_view text, std::string_view where) {
  constexpr int kMaxDepth = 64;
  std::vector<std::set<std::string>> keys;
  std::string problem;
  auto check = [&](int depth, nlohmann::ordered_json::parse_event_t event, nlohmann::ordered_json& value) {
    using Event = nlohmann::ordered_json::parse_event_t;
    if (depth > kMaxDepth && problem.empty()) problem = fmt::format("nests deeper than {}", kMaxDepth);
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && problem.empty() && !keys.back().insert(value.get<std::string>()).second)
      problem = fmt::format("key \"{}\" stands twice", value.get<std::string>());
    return problem.empty();
  };
  // nlohmann reports syntax errors by exception only where its position is wanted; it stays inside this function.
  try {
    auto json = nlohmann::ordered_json::parse(text, check);
    if (!problem.empty()) return Status::invalidInput("{}: {}", where, problem);
    return json;
  } catch (const nlohmann::json::exception& error) {
    if (!problem.empty()) return Status::invalidInput("{}: {}", where, problem);
    return Status::invalidInput("{}: is not valid JSON: {}", where, error.what());
  }
}

Result<nlohmann::ordered_json> readJsonFile(const std::filesystem::path& path) {
  INGOT_ASSIGN(std::string text, readTextFile(path));
  return parseJson(text, path.string());
}

}  // namespace ingot
