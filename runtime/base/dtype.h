// Element types of tensors in checkpoints and plans, and their exact conversions to float.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace ingot {

enum class DType : uint8_t { f32, f16, bf16, f64, i8, u8, i16, i32, i64, boolean };

constexpr uint64_t dtypeBytes(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64: return 8;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16: return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean: return 1;
  }
  return 0;
}

constexpr std::string_view dtypeName(DType dtype) {
  constexpr std::string_view kNames[] = {"f32", "f16", "bf16", "f64", "i8", "u8", "i16", "i32", "i64", "bool"};
  return kNames[static_cast<uint8_t>(dtype)];
}

inline float bf16ToFloat(uint16_t bits) {
  uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

// Round to nearest even; NaN stays NaN.
inline uint16_t floatToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline float f16ToFloat(uint16_t bits) {
  _Float16 half;
  std::memcpy(&half, &bits, 2);
  return static_cast<float>(half);
}

inline uint16_t floatToF16(float value) {
  _Float16 half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

}  // namespace ingot
