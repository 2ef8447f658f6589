// What attention is tested with: shapes of heads, cache types and what their elements lose.
#pragma once

#include <cstring>
#include <map>

#include "kernels/kvcache/layout.h"
#include "kernels/linear/layout.h"
#include "runtime/base/dtype.h"
#include "tests/kernels/harness.h"

namespace ingot::test::attention {

struct Case {
  int64_t heads, kvHeads, headDim, rotary;
  bool headNorm;
  const char* cache;
  int64_t window;
  double softcap;
  int64_t resultGroup = 0;  // 0: f32 rows
  bool alibi = false;
};
inline const Case kCases[] = {
    {1, 1, 16, 16, false, "f32", 0, 0}, {4, 2, 32, 32, true, "f16", 0, 0},        {6, 2, 16, 8, false, "bf16", 5, 0},
    {4, 4, 64, 0, false, "f32", 16, 0}, {8, 1, 48, 48, false, "f32", 17, 3},      {2, 1, 128, 64, true, "f16", 15, 0},
    {9, 3, 64, 64, false, "f16", 0, 0}, {3, 3, 80, 32, false, "bf16", 0, 0},      {6, 2, 64, 64, false, "f16", 0, 0, 32},
    {8, 2, 64, 64, false, "f8", 0, 0},  {4, 4, 48, 48, true, "f8", 17, 0},        {12, 1, 32, 32, false, "f32", 20, 0, 16},
    {18, 1, 16, 0, false, "f16", 0, 2}, {2, 2, 192, 16, false, "bf16", 0, 0, 32}, {6, 2, 64, 64, true, "i8", 0, 0, 32},
    {2, 2, 80, 16, false, "i8", 17, 3}, {2, 1, 256, 0, false, "f8", 0, 0},
};
inline const Case kAlibiCases[] = {
    {6, 6, 32, 0, false, "f16", 0, 0, 0, true}, {12, 1, 16, 0, false, "f32", 20, 3, 0, true}, {6, 2, 80, 16, true, "i8", 0, 0, 16, true}};
constexpr double kScale = 0.2;
constexpr int kPages = 160, kMaxTokens = 1040, kMaxPages = kMaxTokens / 16;
constexpr int kLayers = 3, kLayer = 1;  // of the pool; the others stay poison

inline std::string headConstants(const Case& c) {
  return fmt::format("layers = {} : i64, heads = {} : i64, kv_heads = {} : i64, head_dim = {} : i64, cache = \"{}\"", kLayers, c.heads, c.kvHeads,
                     c.headDim, c.cache);
}

inline std::vector<KernelText> textsOf(const Case& c) {
  return {{"rope_append", fmt::format("{}, rotary = {} : i64, head_norm = {}, eps = 1.0e-6 : f64", headConstants(c), c.rotary, c.headNorm), ""},
          {"attention",
           fmt::format("{}, scale = {} : f64, window = {} : i64, softcap = {:.1f} : f64, result_group = {} : i64{}", headConstants(c), kScale,
                       c.window, c.softcap, c.resultGroup, c.alibi ? ", alibi" : ""),
           ""}};
}
// Both in one, for a batch of one token.
inline KernelText aloneTextOf(const Case& c) {
  std::vector<KernelText> both = textsOf(c);
  return {"attention", fmt::format("{}, before = {{{}}}", both[1].constants, both[0].constants), ""};
}

// An element of the cache: its bytes, how it is read, what tensor cores make of a query or weight, half a step of that, half a step of
// the element relative to the value, half its smallest step, where that is no small number, and half a step relative to the largest
// value of its head.
struct CacheElement {
  size_t bytes;
  float (*read)(const unsigned char*);
  float (*narrowed)(float);
  double halfNarrowed, halfStep, halfLeast = 0, halfCode = 0;
};
template <class T>
T bitsAt(const unsigned char* from) {
  T bits;
  std::memcpy(&bits, from, sizeof(T));
  return bits;
}
inline CacheElement elementOf(const Case& c) {
  auto half = [](float x) { return f16ToFloat(floatToF16(x)); };
  static const std::map<std::string_view, CacheElement> kElements = {
      {"f32", {4, bitsAt<float>, [](float x) { return x; }, 0x1p-24, 0x1p-24}},
      {"f16", {2, [](const unsigned char* at) { return f16ToFloat(bitsAt<uint16_t>(at)); }, half, 0x1p-11, 0x1p-11}},
      {"bf16",
       {2, [](const unsigned char* at) { return bf16ToFloat(bitsAt<uint16_t>(at)); }, [](float x) { return bf16ToFloat(floatToBf16(x)); }, 0x1p-8,
        0x1p-8}},
      {"f8", {1, [](const unsigned char* at) { return f8ToFloat(*at); }, half, 0x1p-11, 0x1p-4, 0x1p-10}},
      {"i8", {1, [](const unsigned char* at) { return static_cast<float>(bitsAt<signed char>(at)); }, half, 0x1p-11, 0, 0, 0.5 / 127}},
  };
  return kElements.at(c.cache);
}
inline CacheType cacheTypeOf(const Case& c) {
  static const std::map<std::string_view, CacheType> kTypes = {
      {"f32", CacheType::f32}, {"f16", CacheType::f16}, {"bf16", CacheType::bf16}, {"f8", CacheType::f8}, {"i8", CacheType::i8}};
  return kTypes.at(c.cache);
}

// Whether keys and values lie as fragments of tensor cores.
inline bool hasFragments(const Case& c, const std::string& target) { return target == "cuda-emulated" && cacheTypeOf(c) != CacheType::f32; }

}  // namespace ingot::test::attention
