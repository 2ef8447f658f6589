// A trie of tokens by their bytes, as a hash table of its edges.
#pragma once

#include <algorithm>

#include "runtime/text/tokenizer/hash.h"
#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot::text {

constexpr uint32_t kNodeBits = 28;

inline uint64_t hashEdge(uint32_t node, uint8_t byte) { return hashPair(node, byte); }

// A view of a model's trie. Immutable, thread-safe. Every entry is checked at its use.
class Trie {
 public:
  static constexpr uint32_t kRoot = 0, kNone = UINT32_MAX;

  explicit Trie(const plan::Model& model)
      : edges_(model.trie() ? model.trie()->data() : nullptr),
        mask_(model.trie() ? model.trie()->size() - 1 : 0),
        probes_(std::min<uint64_t>(model.trie_probes(), mask_ + 1)),
        ids_(model.trie_ids() ? model.trie_ids()->data() : nullptr),
        nodes_(model.trie_ids() ? model.trie_ids()->size() : 0) {}

  uint32_t child(uint32_t node, uint8_t byte) const {
    uint64_t key = uint64_t{node} << 8 | byte, hash = hashEdge(node, byte);
    for (uint64_t slot = hash, last = hash + probes_; slot != last; ++slot) {
      uint64_t entry = edges_[slot & mask_];
      if (entry == 0) return kNone;
      if (entry >> kNodeBits != key) continue;
      auto found = static_cast<uint32_t>(entry & ((1u << kNodeBits) - 1));
      return found < nodes_ ? found : kNone;
    }
    return kNone;
  }
  int32_t id(uint32_t node) const { return ids_[node]; }

 private:
  const uint64_t* edges_;
  uint64_t mask_, probes_;
  const int32_t* ids_;
  uint32_t nodes_;
};

}  // namespace ingot::text
