#include "compiler/pack/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/base/dtype.h"

namespace ingot {
namespace {

constexpr float kLargestF8 = 448;

float toF16Value(float value) { return f16ToFloat(floatToF16(value)); }

// Weighted squared error of symmetric codes at `scale`; codes into `codes`.
float encodeSymmetric(const float* values, const float* weights, int group, float scale, float low, float high, int8_t* codes) {
  float inverse = scale != 0 ? 1 / scale : 0, error = 0;
  for (int i = 0; i < group; ++i) {
    float code = std::clamp(std::nearbyintf(values[i] * inverse), low, high);
    codes[i] = static_cast<int8_t>(code);
    float difference = values[i] - code * scale;
    error += weights[i] * difference * difference;
  }
  return error;
}

// The scale that fits given codes best, by the same measure.
float fitScale(const float* values, const float* weights, int group, const int8_t* codes) {
  float product = 0, square = 0;
  for (int i = 0; i < group; ++i) {
    float code = codes[i];
    product += weights[i] * values[i] * code;
    square += weights[i] * code * code;
  }
  return square > 0 ? product / square : 0;
}

void quantizeI8(const float* values, const float* weights, int group, GroupCodes& out) {
  float peak = 0;
  for (int i = 0; i < group; ++i) peak = std::max(peak, std::fabs(values[i]));
  out.scale = toF16Value(peak / 127);
  encodeSymmetric(values, weights, group, out.scale, -127, 127, out.codes);
}

void quantizeF8(const float* values, int group, GroupCodes& out) {
  float peak = 0;
  for (int i = 0; i < group; ++i) peak = std::max(peak, std::fabs(values[i]));
  out.scale = peak / kLargestF8;
  float inverse = peak > 0 ? kLargestF8 / peak : 0;
  for (int i = 0; i < group; ++i) out.codes[i] = static_cast<int8_t>(floatToF8(values[i] * inverse));
}

void quantizeI4(const float* values, const float* weights, int group, GroupCodes& out) {
  float extreme = 0;
  for (int i = 0; i < group; ++i)
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  float best = INFINITY;
  int8_t codes[kMaxGroup];
  // The extreme value at code -8 or 7 or a little outside; the sign of the scale follows it.
  for (float reach : {-9.5f, -9.0f, -8.5f, -8.0f, -7.5f, -7.0f, -6.5f, 6.5f, 7.0f, 7.5f}) {
    encodeSymmetric(values, weights, group, extreme / reach, -8, 7, codes);
    float scale = toF16Value(fitScale(values, weights, group, codes));
    float error = encodeSymmetric(values, weights, group, scale, -8, 7, codes);
    if (!(error < best)) continue;
    best = error;
    out.scale = scale;
    std::memcpy(out.codes, codes, static_cast<size_t>(group));
  }
}

float encodeAffine(const float* values, const float* weights, int group, float scale, float minimum, int8_t* codes) {
  float inverse = scale != 0 ? 1 / scale : 0, error = 0;
  for (int i = 0; i < group; ++i) {
    float code = std::clamp(std::nearbyintf((values[i] - minimum) * inverse), 0.0f, 15.0f);
    codes[i] = static_cast<int8_t>(code);
    float difference = values[i] - (code * scale + minimum);
    error += weights[i] * difference * difference;
  }
  return error;
}

// Line through (codes, values) by weighted least squares.
void fitLine(const float* values, const float* weights, int group, const int8_t* codes, float& scale, float& minimum) {
  float sum = 0, sumCode = 0, sumValue = 0, square = 0, product = 0;
  for (int i = 0; i < group; ++i) {
    float code = codes[i], weightedCode = weights[i] * code;
    sum += weights[i], sumCode += weightedCode, sumValue += weights[i] * values[i];
    square += weightedCode * code, product += weightedCode * values[i];
  }
  float determinant = sum * square - sumCode * sumCode;
  if (determinant <= 0) return;
  scale = (sum * product - sumCode * sumValue) / determinant;
  minimum = (sumValue - scale * sumCode) / sum;
}

void quantizeI4m(const float* values, const float* weights, int group, GroupCodes& out) {
  auto [low, high] = std::minmax_element(values, values + group);
  float best = INFINITY;
  int8_t codes[kMaxGroup];
  for (float steps : {13.5f, 14.0f, 14.5f, 15.0f, 15.5f, 16.0f, 16.5f}) {
    float scale = (*high - *low) / steps, minimum = (*high + *low) / 2 - 7.5f * scale;
    encodeAffine(values, weights, group, scale, minimum, codes);
    fitLine(values, weights, group, codes, scale, minimum);
    scale = toF16Value(scale), minimum = toF16Value(minimum);
    float error = encodeAffine(values, weights, group, scale, minimum, codes);
    if (!(error < best)) continue;
    best = error;
    out.scale = scale, out.minimum = minimum;
    std::memcpy(out.codes, codes, static_cast<size_t>(group));
  }
}

float f16At(const std::byte* bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes, 2);
  return f16ToFloat(bits);
}

// ggml's 4-bit blocks: byte i holds values i and i + 16.
void nibbles(const std::byte* bytes, int offset, int8_t* codes) {
  for (int i = 0; i < 16; ++i) {
    int byte = std::to_integer<int>(bytes[i]);
    codes[i] = static_cast<int8_t>((byte & 15) + offset);
    codes[i + 16] = static_cast<int8_t>((byte >> 4) + offset);
  }
}

}  // namespace

void quantizeGroup(WeightFormat format, const float* values, const float* importance, int group, GroupCodes& out) {
  // Large weights make the products that stand out, where nobody knows what they are multiplied with: SmolLM2's perplexity over float32's
  // is 1.25 when the errors of symmetric codes weigh the same, and 1.21 when each weighs what its value is (docs/benchmarks.md).
  float weights[kMaxGroup];
  for (int i = 0; i < group; ++i) weights[i] = importance ? importance[i] : format == WeightFormat::i4m ? 1 : std::fabs(values[i]);
  if (format == WeightFormat::i8) return quantizeI8(values, weights, group, out);
  if (format == WeightFormat::i4) return quantizeI4(values, weights, group, out);
  if (format == WeightFormat::f8) return quantizeF8(values, group, out);
  quantizeI4m(values, weights, group, out);
}

bool exactCodes(ElementType type, const std::byte* block, WeightFormat format, GroupCodes& out) {
  out.scale = f16At(block);
  out.minimum = 0;
  if (type == ElementType::q4_0 && format == WeightFormat::i4m) {
    out.minimum = -8 * out.scale;
    nibbles(block + 2, 0, out.codes);
    return std::isfinite(out.minimum) && toF16Value(out.minimum) == out.minimum;
  }
  if (type == ElementType::q4_0) {
    nibbles(block + 2, -8, out.codes);
    return true;
  }
  if (type == ElementType::q4_1 && format == WeightFormat::i4m) {
    out.minimum = f16At(block + 2);
    nibbles(block + 4, 0, out.codes);
    return true;
  }
  if (type == ElementType::q5_0 && format == WeightFormat::i8) {
    uint32_t high;
    std::memcpy(&high, block + 2, 4);
    nibbles(block + 6, -16, out.codes);
    for (int i = 0; i < 32; ++i) out.codes[i] = static_cast<int8_t>(out.codes[i] + static_cast<int>((high >> i & 1) << 4));
    return true;
  }
  if (type == ElementType::q8_0 && format == WeightFormat::i8) {
    std::memcpy(out.codes, block + 2, 32);
    return true;
  }
  return false;
}

}  // namespace ingot
