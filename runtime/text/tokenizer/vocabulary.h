// Tokens by id and by bytes, where they lie in the tables.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "runtime/text/tokenizer/hash.h"
#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot::text {

enum TokenFlags : uint8_t { kExists = 1, kSpecial = 2, kAdded = 4 };

// Bits of an id in the hash tables; the rest of an entry tells tokens apart before their bytes are looked at.
constexpr uint32_t kIdBits = 21, kMergeBits = 22;

// Immutable, thread-safe. The offsets were validated; what the hash table says is checked at every use.
class Vocabulary {
 public:
  explicit Vocabulary(const plan::Tokenizer& t)
      : offsets_(t.offsets()->data()),
        bytes_(reinterpret_cast<const char*>(t.bytes()->data())),
        flags_(t.flags()->data()),
        size_(static_cast<int32_t>(t.flags()->size())),
        pieces_(t.model()->pieces()->data()),
        mask_(t.model()->pieces()->size() - 1),
        probes_(std::min<uint64_t>(t.model()->piece_probes(), mask_ + 1)) {}

  int32_t size() const { return size_; }
  std::string_view bytes(int32_t id) const { return {bytes_ + offsets_[id], offsets_[id + 1] - offsets_[id]}; }
  uint8_t flags(int32_t id) const { return flags_[id]; }

  // The token that matches exactly these bytes, or -1.
  int32_t find(std::string_view piece) const {
    uint64_t hash = hashBytes(piece);
    for (uint64_t slot = hash, last = hash + probes_; slot != last; ++slot) {
      uint32_t entry = pieces_[slot & mask_];
      if (entry == 0) return -1;
      if (entry >> kIdBits != hash >> (32 + kIdBits)) continue;
      auto id = static_cast<int32_t>((entry & ((1u << kIdBits) - 1)) - 1);
      if (static_cast<uint32_t>(id) < static_cast<uint32_t>(size_) && isEqual(bytes(id), piece)) return id;
    }
    return -1;
  }

 private:
  // As ==, which calls memcmp for the few bytes of a token.
  static bool isEqual(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    if (a.size() < 4 || a.size() > 16) return a == b;
    size_t width = a.size() < 8 ? 4 : 8, last = a.size() - width;
    auto load = [width](const char* at) {
      uint64_t word = 0;
      if (width == 8) std::memcpy(&word, at, 8);
      else std::memcpy(&word, at, 4);
      return word;
    };
    return load(a.data()) == load(b.data()) && load(a.data() + last) == load(b.data() + last);
  }

  const uint32_t* offsets_;
  const char* bytes_;
  const uint8_t* flags_;
  int32_t size_;
  const uint32_t* pieces_;
  uint64_t mask_, probes_;
};

}  // namespace ingot::text
