// Memory of one render or one set of variables: handed out in order, freed all at once. Destructors don't run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace ingot::text {

// Thread-compatible. Small requests always succeed, and passing the limit is remembered; a request that alone passes the
// limit gets null.
class Arena {
 public:
  static constexpr uint64_t kSlack = 1 << 16;

  explicit Arena(uint64_t limit = UINT64_MAX) : limit_(limit) {}
  Arena(Arena&& other) noexcept { swap(other); }
  Arena& operator=(Arena&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Arena() {
    for (void* block : blocks_) std::free(block);
  }

  // Aligned to 8 bytes. `always`: also past the limit, for sizes that the template's own bounds.
  void* allocate(uint64_t bytes, bool always = false) {
    bytes = (bytes + 7) & ~uint64_t{7};
    if (bytes > static_cast<uint64_t>(end_ - top_) && !grow(bytes, always)) return nullptr;
    char* at = top_;
    top_ += bytes;
    used_ += bytes;
    return at;
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    return new (allocate(sizeof(T))) T{std::forward<Args>(args)...};
  }

  // Lengthens the block that ends at `end` in place, when it was the last one and there is room.
  bool extend(const char* end, uint64_t bytes) {
    auto slack = static_cast<uint64_t>(top_ - end);
    if (end == nullptr || end > top_ || slack >= 8 || lastText_ != end) return false;
    uint64_t more = bytes > slack ? (bytes - slack + 7) & ~uint64_t{7} : 0;
    if (more > static_cast<uint64_t>(end_ - top_)) return false;
    top_ += more;
    used_ += more;
    lastText_ = end + bytes;
    return true;
  }
  // Says that the newest block is text that ends here, which extend() may lengthen.
  void noteText(const char* end) { lastText_ = end; }

  uint64_t used() const { return used_; }
  uint64_t limit() const { return limit_; }
  bool exhausted() const { return used_ > limit_; }

 private:
  bool grow(uint64_t bytes, bool always) {
    if (!always && bytes > kSlack && (bytes > limit_ || used_ > limit_ - bytes)) return false;
    uint64_t size = uint64_t{1} << (14 + std::min<size_t>(blocks_.size(), 8));
    size = std::max(size, bytes);
    auto* block = static_cast<char*>(std::malloc(size));
    if (block == nullptr) return false;
    blocks_.push_back(block);
    top_ = block;
    end_ = block + size;
    return true;
  }
  void swap(Arena& other) {
    std::swap(blocks_, other.blocks_);
    std::swap(top_, other.top_);
    std::swap(end_, other.end_);
    std::swap(lastText_, other.lastText_);
    std::swap(used_, other.used_);
    std::swap(limit_, other.limit_);
  }

  std::vector<void*> blocks_;
  char* top_ = nullptr;
  char* end_ = nullptr;
  const char* lastText_ = nullptr;
  uint64_t used_ = 0, limit_ = UINT64_MAX;
};

}  // namespace ingot::text
