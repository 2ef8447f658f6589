#include "runtime/text/tokenizer/precompiled.h"

#include "runtime/base/utf8.h"

namespace ingot::text {
namespace {

// Bits of a unit, as darts-clone (S. Yata 2011) packs them.
uint32_t offsetOf(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
uint32_t labelOf(uint32_t unit) { return unit & (1u << 31 | 0xff); }
bool hasLeaf(uint32_t unit) { return unit >> 8 & 1; }

}  // namespace

std::optional<std::string_view> CharacterMap::find(std::string_view text, bool longest, size_t& length) const {
  std::optional<std::string_view> found;
  if (count_ == 0) return found;
  uint32_t at = offsetOf(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (byte == 0 || at >= count_ || labelOf(units_[at]) != byte) break;
    bool leaf = hasLeaf(units_[at]);
    at ^= offsetOf(units_[at]);
    if (!leaf || at >= count_) continue;
    size_t begin = units_[at] & 0x7fffffff;
    if (begin >= textBytes_) break;
    std::string_view rest(texts_ + begin, textBytes_ - begin);
    std::string_view by = rest.substr(0, rest.find('\0'));
    if (!isValidUtf8(by)) break;
    found = by;
    length = i + 1;
    if (!longest) break;
  }
  return found;
}

}  // namespace ingot::text
