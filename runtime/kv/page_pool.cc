#include "runtime/kv/page_pool.h"

#include <utility>

namespace ingot {

PageHandle& PageHandle::operator=(PageHandle&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(id_, other.id_);
  return *this;
}

PageHandle::~PageHandle() {
  if (pool_) pool_->release(id_);
}

PagePool::PagePool(int32_t pages) : uses_(static_cast<size_t>(pages), 0) {
  free_.reserve(uses_.size());
  for (int32_t page = pages - 1; page >= 0; --page) free_.push_back(PageId{page});
}

PageHandle PagePool::take() {
  PageId id = free_.back();
  free_.pop_back();
  uses_[static_cast<size_t>(id)] = 1;
  return PageHandle(this, id);
}

PageHandle PagePool::share(const PageHandle& page) {
  ++uses_[static_cast<size_t>(page.id())];
  return PageHandle(this, page.id());
}

void PagePool::release(PageId id) {
  if (--uses_[static_cast<size_t>(id)] == 0) free_.push_back(id);
}

bool PagePool::isConsistent() const {
  std::vector<bool> isFree(uses_.size(), false);
  for (PageId id : free_) {
    if (isFree[static_cast<size_t>(id)] || uses_[static_cast<size_t>(id)] != 0) return false;
    isFree[static_cast<size_t>(id)] = true;
  }
  for (size_t page = 0; page < uses_.size(); ++page)
    if ((uses_[page] == 0) != isFree[page]) return false;
  return true;
}

}  // namespace ingot
