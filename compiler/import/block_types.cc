// Element types of checkpoints and their exact decoding to f32. Block layouts: ggml-common.h of llama.cpp (GGUF spec).
#include <cstring>

#include "compiler/import/checkpoint.h"
#include "runtime/base/dtype.h"

namespace ingot {
namespace {

constexpr ElementTypeInfo kInfos[] = {
    {"f32", 1, 4},    {"f16", 1, 2},    {"bf16", 1, 2},   {"f64", 1, 8},      {"f8", 1, 1},       {"q4_0", 32, 18},   {"q4_1", 32, 20},
    {"q5_0", 32, 22}, {"q5_1", 32, 24}, {"q8_0", 32, 34}, {"q4_K", 256, 144}, {"q5_K", 256, 176}, {"q6_K", 256, 210},
};

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

float half(const std::byte* from) { return f16ToFloat(load<uint16_t>(from)); }
int byteAt(const std::byte* from, int i) { return std::to_integer<int>(from[i]); }

// 4-bit blocks of 32: low nibbles are elements 0..15, high nibbles 16..31. `high` gives the fifth bits, if any.
void decodeNibbles(const std::byte* quants, uint32_t high, float scale, float offset, float* out) {
  for (int i = 0; i < 16; ++i) {
    int low = (byteAt(quants, i) & 15) | ((high >> i & 1) << 4);
    int upper = (byteAt(quants, i) >> 4) | ((high >> (i + 16) & 1) << 4);
    out[i] = static_cast<float>(low) * scale + offset;
    out[i + 16] = static_cast<float>(upper) * scale + offset;
  }
}

// The j-th of 8 six-bit (scale, min) pairs packed in 12 bytes, as Q4_K and Q5_K store them.
std::pair<int, int> scaleAndMin(const std::byte* packed, int j) {
  if (j < 4) return {byteAt(packed, j) & 63, byteAt(packed, j + 4) & 63};
  return {(byteAt(packed, j + 4) & 15) | ((byteAt(packed, j - 4) >> 6) << 4), (byteAt(packed, j + 4) >> 4) | ((byteAt(packed, j) >> 6) << 4)};
}

// Q4_K and Q5_K: 8 sub-blocks of 32; the fifth bits of Q5_K lie in `high` (null for Q4_K).
void decodeK45(const std::byte* block, const std::byte* high, const std::byte* quants, float* out) {
  float scale = half(block), minScale = half(block + 2);
  for (int j = 0; j < 8; ++j) {
    auto [sub, minimum] = scaleAndMin(block + 4, j);
    for (int i = 0; i < 32; ++i) {
      int byte = byteAt(quants, (j / 2) * 32 + i);
      int q = j % 2 ? byte >> 4 : byte & 15;
      if (high) q |= (byteAt(high, i) >> j & 1) << 4;
      out[j * 32 + i] = scale * static_cast<float>(sub) * static_cast<float>(q) - minScale * static_cast<float>(minimum);
    }
  }
}

// Q6_K: low 4 bits [128], high 2 bits [64], 16 int8 scales, f16 scale.
void decodeQ6K(const std::byte* block, float* out) {
  const std::byte *low = block, *high = block + 128, *scales = block + 192;
  float scale = half(block + 208);
  for (int part = 0; part < 2; ++part)
    for (int i = 0; i < 128; ++i) {
      int nibble = byteAt(low, part * 64 + i % 64);
      int q = (i < 64 ? nibble & 15 : nibble >> 4) | ((byteAt(high, part * 32 + i % 32) >> (i / 32 * 2) & 3) << 4);
      out[part * 128 + i] = scale * static_cast<float>(load<int8_t>(scales + part * 8 + i / 16)) * static_cast<float>(q - 32);
    }
}

void decodeBlock(ElementType type, const std::byte* block, float* out) {
  switch (type) {
    case ElementType::q4_0: return decodeNibbles(block + 2, 0, half(block), -8 * half(block), out);
    case ElementType::q4_1: return decodeNibbles(block + 4, 0, half(block), half(block + 2), out);
    case ElementType::q5_0: return decodeNibbles(block + 6, load<uint32_t>(block + 2), half(block), -16 * half(block), out);
    case ElementType::q5_1: return decodeNibbles(block + 8, load<uint32_t>(block + 4), half(block), half(block + 2), out);
    case ElementType::q8_0:
      for (int i = 0; i < 32; ++i) out[i] = half(block) * static_cast<float>(load<int8_t>(block + 2 + i));
      return;
    case ElementType::q4_k: return decodeK45(block, nullptr, block + 16, out);
    case ElementType::q5_k: return decodeK45(block, block + 16, block + 48, out);
    case ElementType::q6_k: return decodeQ6K(block, out);
    default: return;
  }
}

}  // namespace

const ElementTypeInfo& infoOf(ElementType type) { return kInfos[static_cast<int>(type)]; }

void decodeElements(ElementType type, const std::byte* bytes, int64_t count, float* out) {
  const auto& info = infoOf(type);
  switch (type) {
    case ElementType::f32: std::memcpy(out, bytes, static_cast<size_t>(count) * 4); return;
    case ElementType::f16:
      for (int64_t i = 0; i < count; ++i) out[i] = half(bytes + 2 * i);
      return;
    case ElementType::bf16:
      for (int64_t i = 0; i < count; ++i) out[i] = bf16ToFloat(load<uint16_t>(bytes + 2 * i));
      return;
    case ElementType::f64:
      for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<double>(bytes + 8 * i));
      return;
    case ElementType::f8:
      for (int64_t i = 0; i < count; ++i) out[i] = f8ToFloat(std::to_integer<uint8_t>(bytes[i]));
      return;
    default:
      for (int64_t i = 0; i < count / info.blockElements; ++i) decodeBlock(type, bytes + i * info.blockBytes, out + i * info.blockElements);
  }
}

}  // namespace ingot
