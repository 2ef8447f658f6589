// Finds pages that already hold the keys and values of a prompt's first tokens. Whole pages only; tokens are compared,
// so equal hashes never share by mistake. Pages that only the index uses are given back, oldest first, when others need them.
#pragma once

#include <list>
#include <span>
#include <unordered_map>

#include "runtime/kv/page_pool.h"

namespace ingot {

// Thread-compatible.
class PrefixIndex {
 public:
  PrefixIndex(PagePool& pool, int32_t pageTokens) : pool_(pool), pageTokens_(pageTokens) {}

  // Pages that hold the first tokens of `tokens`, as many whole pages as are known.
  std::vector<PageHandle> find(std::span<const int32_t> tokens);
  // Remembers that `page` holds `tokens` (one whole page), which follow the page of hash `parent`; gives its hash.
  uint64_t insert(uint64_t parent, std::span<const int32_t> tokens, const PageHandle& page);
  // The hash before the first page.
  static constexpr uint64_t kRoot = 0x9e3779b97f4a7c15;
  // Gives back the page that was used longest ago and that no sequence uses. False when there is none.
  bool evictOne();
  int32_t evictablePages() const;

 private:
  struct Entry {
    uint64_t hash, parent;
    std::vector<int32_t> tokens;
    PageHandle page;
    int32_t children = 0;
  };
  using Entries = std::list<Entry>;  // least recently used first
  Entries::iterator lookUp(uint64_t hash, uint64_t parent, std::span<const int32_t> tokens);

  PagePool& pool_;
  int32_t pageTokens_;
  Entries entries_;
  std::unordered_map<uint64_t, Entries::iterator> byHash_;
};

}  // namespace ingot
