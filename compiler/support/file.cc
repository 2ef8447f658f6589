#include "compiler/support/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_set>
#include <vector>

namespace ingot {
namespace {

using Json = nlohmann::ordered_json;

// Builds a value from the parser's events. Objects keep their order in a list that nlohmann searches from its start: keys are appended
// after a look into a set, so that a header of 100,000 tensors takes time in proportion.
class JsonBuilder {
 public:
  Json takeRoot() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(int64_t value) { return put(value); }
  bool number_unsigned(uint64_t value) { return put(value); }
  bool number_float(double value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // JSON has none
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (!open_.back().keys.insert(name).second) return refuse(fmt::format("key \"{}\" stands twice", name));
    key_ = std::move(name);
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception& error) {
    return refuse(fmt::format("is not valid JSON: {}", error.what()));
  }

 private:
  struct Open {
    Json* container;
    std::unordered_set<std::string> keys;  // of an object
  };

  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    Json& container = *open_.back().container;
    if (container.is_array()) return container.get_ref<Json::array_t&>().emplace_back(std::move(value));
    return container.get_ref<Json::object_t&>().Container::emplace_back(std::move(key_), std::move(value)).second;
  }
  bool open(Json container) {
    constexpr size_t kMaxDepth = 64;
    if (open_.size() == kMaxDepth) return refuse(fmt::format("nests deeper than {}", kMaxDepth));
    open_.push_back({&place(std::move(container)), {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  Json root_;
  std::vector<Open> open_;
  std::string key_, problem_;
};

}  // namespace

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
  JsonBuilder builder;
  if (Json::sax_parse(text, &builder)) return builder.takeRoot();
  return Status::invalidInput("{}: {}", where, builder.problem());
}

Result<nlohmann::ordered_json> readJsonFile(const std::filesystem::path& path) {
  INGOT_ASSIGN(std::string text, readTextFile(path));
  return parseJson(text, path.string());
}

}  // namespace ingot
