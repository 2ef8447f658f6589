// Element types of tensors in checkpoints and plans, and their exact conversions to float.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
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

// 8-bit floats e4m3 of the OCP's specification: no infinity, at most 448; 0x7f is NaN.
inline float f8ToFloat(uint8_t bits) {
  if ((bits & 0x7f) == 0x7f) return std::numeric_limits<float>::quiet_NaN();
  int exponent = bits >> 3 & 15, mantissa = bits & 7;
  float value = exponent ? std::ldexp(static_cast<float>(8 + mantissa), exponent - 10) : std::ldexp(static_cast<float>(mantissa), -9);
  return bits & 0x80 ? -value : value;
}

// To nearest, ties to even; what is too large becomes 448.
inline uint8_t floatToF8(float value) {
  if (value != value) return 0x7f;
  float magnitude = std::fmin(std::fabs(value), 448.0f);
  int exponent = magnitude < 0x1p-6f ? -6 : std::ilogb(magnitude);
  auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 3 - exponent)));  // of 2^(exponent - 3); 16 of them are the next exponent's 8
  int code = magnitude < 0x1p-6f ? steps : (exponent + 6) * 8 + steps;
  return static_cast<uint8_t>(code | (std::signbit(value) ? 0x80 : 0));
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
