#include "runtime/kv/prefix_index.h"

#include <algorithm>

namespace ingot {
namespace {

// A chain: the hash of a page depends on everything before it.
uint64_t hashPage(uint64_t parent, std::span<const int32_t> tokens) {
  uint64_t hash = parent;
  for (int32_t token : tokens) {
    hash ^= static_cast<uint32_t>(token) + 0x9e3779b97f4a7c15 + (hash << 12) + (hash >> 4);
    hash *= 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

PrefixIndex::Entries::iterator PrefixIndex::lookUp(uint64_t hash, uint64_t parent, std::span<const int32_t> tokens) {
  auto found = byHash_.find(hash);
  if (found == byHash_.end()) return entries_.end();
  const Entry& entry = *found->second;
  bool same = entry.parent == parent && std::equal(tokens.begin(), tokens.end(), entry.tokens.begin(), entry.tokens.end());
  return same ? found->second : entries_.end();
}

std::vector<PageHandle> PrefixIndex::find(std::span<const int32_t> tokens) {
  std::vector<PageHandle> pages;
  uint64_t parent = kRoot;
  for (size_t at = 0; at + static_cast<size_t>(pageTokens_) <= tokens.size(); at += static_cast<size_t>(pageTokens_)) {
    auto part = tokens.subspan(at, static_cast<size_t>(pageTokens_));
    uint64_t hash = hashPage(parent, part);
    auto entry = lookUp(hash, parent, part);
    if (entry == entries_.end()) break;
    entries_.splice(entries_.end(), entries_, entry);
    pages.push_back(pool_.share(entry->page));
    parent = hash;
  }
  return pages;
}

uint64_t PrefixIndex::insert(uint64_t parent, std::span<const int32_t> tokens, const PageHandle& page) {
  uint64_t hash = hashPage(parent, tokens);
  if (byHash_.count(hash)) return hash;  // this page is known, or another has its hash and stays
  entries_.push_back({hash, parent, {tokens.begin(), tokens.end()}, pool_.share(page), 0});
  byHash_[hash] = std::prev(entries_.end());
  if (auto before = byHash_.find(parent); before != byHash_.end()) ++before->second->children;
  return hash;
}

bool PrefixIndex::evictOne() {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->children > 0 || pool_.usesOf(entry->page.id()) > 1) continue;
    if (auto before = byHash_.find(entry->parent); before != byHash_.end()) --before->second->children;
    byHash_.erase(entry->hash);
    entries_.erase(entry);
    return true;
  }
  return false;
}

int32_t PrefixIndex::evictablePages() const {
  return static_cast<int32_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return pool_.usesOf(entry.page.id()) == 1; }));
}

}  // namespace ingot
