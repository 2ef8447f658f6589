// What CUDA kernels use beyond C++: shared memory, warp sums, conversions, 8-bit dot products, fast powers, and the entry that
// the driver launches. All PTX of ours is here. tests/simt gives the same names on a host, where INGOT_SIMT is defined.
//
// A kernel is a template `Tile<Constants>` with kThreads, Storage (its shared memory), count(batch) and run(...), which computes
// one tile with one block. Contraction is off (NVRTC's --fmad=false): a fused multiply-add is written fma().
#pragma once

#include "kernels/abi/abi.h"

constexpr int kWarp = 32;
constexpr unsigned kFullWarp = 0xffffffffu;

#ifndef INGOT_SIMT

#define INGOT_INLINE static __device__ __forceinline__
#define INGOT_MEMBER __device__ __forceinline__

// An array in shared memory. On a host every access is checked for bounds, for races and for never having been written.
template <class T, int N>
struct SharedArray {
  alignas(16) T values[N];
  INGOT_MEMBER T& operator[](int i) { return values[i]; }
};

INGOT_INLINE float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
INGOT_INLINE float power2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
INGOT_INLINE float squareRoot(float x) { return __fsqrt_rn(x); }
INGOT_INLINE int roundEven(float x) { return __float2int_rn(x); }
INGOT_INLINE float asFloat(unsigned x) { return __uint_as_float(x); }
INGOT_INLINE unsigned asBits(float x) { return __float_as_uint(x); }
INGOT_INLINE float halfToFloat(unsigned short x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x));
  return y;
}
INGOT_INLINE unsigned short floatToHalf(float x) {
  unsigned short y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
}
// Four signed 8-bit products, exact.
INGOT_INLINE int dotQuad(int a, int b, int sum) { return __dp4a(a, b, sum); }

template <class T>
INGOT_INLINE T load(const void* from) {
  return *(const T*)from;
}
template <class T>
INGOT_INLINE void store(void* to, T value) {
  *(T*)to = value;
}

#define INGOT_KERNEL(symbol, ...)                                                                                                     \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::kThreads) symbol(const IngotBatch* batch, const IngotOperands operands) { \
    __shared__ typename __VA_ARGS__::Storage storage;                                                                                 \
    if ((int)blockIdx.x < __VA_ARGS__::count(*batch)) __VA_ARGS__::run(*batch, operands.at, (int)blockIdx.x, storage);                \
  }

#endif

INGOT_INLINE float infinity() { return asFloat(0x7f800000u); }

// Sums and maxima over the lanes of a warp by one fixed tree; every lane gets them. `Lanes` neighbours, a power of two.
template <int Lanes = kWarp>
INGOT_INLINE float warpSum(float x) {
  for (int distance = Lanes / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(kFullWarp, x, distance);
  return x;
}
template <int Lanes = kWarp>
INGOT_INLINE int warpSum(int x) {
  for (int distance = Lanes / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(kFullWarp, x, distance);
  return x;
}
template <int Lanes = kWarp>
INGOT_INLINE float warpMaximum(float x) {
  for (int distance = Lanes / 2; distance > 0; distance /= 2) {
    float other = __shfl_xor_sync(kFullWarp, x, distance);
    x = other > x ? other : x;
  }
  return x;
}

// bf16 as the upper half of f32, rounded to nearest even on the way in.
INGOT_INLINE float bfloatToFloat(unsigned short x) { return asFloat((unsigned)x << 16); }
INGOT_INLINE unsigned short floatToBfloat(float x) {
  unsigned bits = asBits(x);
  return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
