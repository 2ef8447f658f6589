#include "runtime/exec/filling.h"

#include <algorithm>
#include <cstring>

namespace ingot {
namespace {

constexpr size_t kPatternBytes = 1 << 20;

// Small numbers: random sign and fraction bits ("free"), with the exponent of 1/64.
constexpr uint32_t kF32 = 0x3c800000, kF32Free = 0x807fffff;
constexpr uint16_t kF16 = 0x2400, kF16Free = 0x83ff, kBf16 = 0x3c80, kBf16Free = 0x807f;
constexpr uint8_t kF8Free = 0xbf;  // of e4m3: below 2

class Words {
 public:
  explicit Words(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  uint64_t next() {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return state_ ^ state_ >> 29;
  }

 private:
  uint64_t state_;
};

template <class T>
void put(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

void fillUnit(const plan::Filling& filling, Words& words, std::byte* to) {
  uint32_t header = filling.header_bytes(), unit = filling.unit_bytes();
  switch (filling.element()) {
    case plan::FillElement::ones: put(to, 1.0f); break;
    case plan::FillElement::f32: put(to, static_cast<uint32_t>((words.next() & kF32Free) | kF32)); break;
    case plan::FillElement::f16: put(to, static_cast<uint16_t>((words.next() & kF16Free) | kF16)); break;
    case plan::FillElement::bf16: put(to, static_cast<uint16_t>((words.next() & kBf16Free) | kBf16)); break;
    case plan::FillElement::codes:
      for (uint32_t i = 0; i + 2 <= header; i += 2) put(to + i, uint16_t{0x1000});  // 2^-11
      for (uint32_t i = header; i < unit; ++i) to[i] = static_cast<std::byte>(words.next() >> 24);
      break;
    case plan::FillElement::float_codes:
      for (uint32_t i = 0; i + 4 <= header; i += 4) put(to + i, 0x1p-6f);
      for (uint32_t i = header; i < unit; ++i) to[i] = static_cast<std::byte>(words.next() >> 24 & kF8Free);
      break;
  }
}

}  // namespace

std::vector<std::byte> fillingPattern(const plan::Weight& weight) {
  const plan::Filling& filling = *weight.filling();
  size_t unit = filling.unit_bytes(), most = std::min<size_t>(weight.bytes(), kPatternBytes);
  std::vector<std::byte> pattern(std::max<size_t>(1, most / unit) * unit);
  Words words(filling.seed());
  for (size_t at = 0; at < pattern.size(); at += unit) fillUnit(filling, words, pattern.data() + at);
  return pattern;
}

void fillWeight(const plan::Weight& weight, std::span<std::byte> to) {
  auto pattern = fillingPattern(weight);
  for (size_t at = 0; at < to.size(); at += pattern.size()) std::memcpy(to.data() + at, pattern.data(), std::min(pattern.size(), to.size() - at));
}

}  // namespace ingot
