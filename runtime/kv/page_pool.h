// Hands out KV pages and takes them back. Knows counts and ids; never touches device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ingot {

enum class PageId : int32_t {};

class PagePool;

// One use of a page. Move-only: a page is free again when its last use ends.
class PageHandle {
 public:
  PageHandle() = default;
  PageHandle(PageHandle&& other) noexcept { *this = static_cast<PageHandle&&>(other); }
  PageHandle& operator=(PageHandle&& other) noexcept;
  ~PageHandle();

  PageId id() const { return id_; }

 private:
  friend class PagePool;
  PageHandle(PagePool* pool, PageId id) : pool_(pool), id_(id) {}
  PagePool* pool_ = nullptr;
  PageId id_{};
};

// A page is in exactly one state: free, or used by one or more handles. Thread-compatible; outlives its handles.
class PagePool {
 public:
  explicit PagePool(int32_t pages);

  int32_t pages() const { return static_cast<int32_t>(uses_.size()); }
  int32_t freePages() const { return static_cast<int32_t>(free_.size()); }

  // A free page; the caller has seen freePages() > 0.
  PageHandle take();
  // Another use of the same page.
  PageHandle share(const PageHandle& page);
  int32_t usesOf(PageId id) const { return uses_[static_cast<size_t>(id)]; }

  // Whether free pages and uses agree; for tests.
  bool isConsistent() const;

 private:
  friend class PageHandle;
  void release(PageId id);
  std::vector<int32_t> uses_;  // per page
  std::vector<PageId> free_;   // a stack: the page used last is the one still in cache
};

}  // namespace ingot
