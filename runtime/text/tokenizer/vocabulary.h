// Tokens by id and by bytes, where they lie in the tables.
#pragma once

#include <string_view>

#include "runtime/text/tokenizer/hash.h"
#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot::text {

enum TokenFlags : uint8_t { kExists = 1, kSpecial = 2, kAdded = 4, kByte = 8, kUnmatched = 16 };

// Immutable, thread-safe. The tables were validated.
class Vocabulary {
 public:
  explicit Vocabulary(const plan::Tokenizer& t)
      : offsets_(t.offsets()->data()), bytes_(reinterpret_cast<const char*>(t.bytes()->data())), flags_(t.flags()->data()),
        size_(static_cast<int32_t>(t.flags()->size())), pieces_(t.model()->pieces()->data()),
        mask_(t.model()->pieces()->size() - 1) {}

  int32_t size() const { return size_; }
  std::string_view bytes(int32_t id) const { return {bytes_ + offsets_[id], offsets_[id + 1] - offsets_[id]}; }
  uint8_t flags(int32_t id) const { return flags_[id]; }

  // The token that matches exactly these bytes, or -1.
  int32_t find(std::string_view piece) const {
    for (uint64_t slot = hashBytes(piece);; ++slot) {
      uint32_t entry = pieces_[slot & mask_];
      if (entry == 0) return -1;
      auto id = static_cast<int32_t>(entry - 1);
      if (id < size_ && bytes(id) == piece) return id;
    }
  }

 private:
  const uint32_t* offsets_;
  const char* bytes_;
  const uint8_t* flags_;
  int32_t size_;
  const uint32_t* pieces_;
  uint64_t mask_;
};

}  // namespace ingot::text
