// What CUDA kernels use beyond C++: shared memory, warp sums, conversions, 8-bit dot products, fast powers, and the entry that
// the driver launches. All PTX of ours is here, in turns.cuh and in warpgroup.cuh. tests/simt gives the same names on a host, where INGOT_SIMT is
// defined.
//
// A kernel is a template `Tile<Constants>` with kThreads, Storage (its shared memory), count(batch) and run(...), which computes
// one tile with one block. kMinBlocks, where a Tile has it and it is not 0, is how many blocks a multiprocessor must have room for,
// which bounds a thread's registers; without it ptxas takes a bound of its own, and now and then spills to keep to it. A Tile that has
// prefetch(batch, operands, index, storage) asks there for what no launch writes, before those before it have ended; it runs before every
// tile, and what it put on its way into storage arrives in run(). One that has kAwaits calls awaitLaunches() itself, behind its loads of
// what no launch writes: weights, tables and the batch. Contraction is off (NVRTC's
// --fmad=false): a fused multiply-add is written fma().
#pragma once

#include "kernels/abi/abi.h"

constexpr int kWarp = 32;
constexpr unsigned kFullWarp = 0xffffffffu;

struct alignas(16) Words {
  unsigned at[4];
};
struct alignas(8) TwoWords {
  unsigned at[2];
};
struct alignas(8) TwoFloats {
  float at[2];
};
struct alignas(16) FourFloats {
  float at[4];
};

template <class Tile>
constexpr bool awaitsItself() {
  if constexpr (requires { Tile::kAwaits; }) return Tile::kAwaits;
  else return false;
}

#ifndef INGOT_SIMT

// Shared memory of which a tile uses one member. A host keeps them apart, since it knows who touched what.
#define INGOT_EITHER union
#define INGOT_INLINE static __device__ __forceinline__
#define INGOT_MEMBER __device__ __forceinline__

// An array in shared memory. On a host every access is checked for bounds, for races and for never having been written.
template <class T, int N>
struct SharedArray {
  alignas(16) T values[N];
  INGOT_MEMBER T& operator[](int i) { return values[i]; }
};

// A place in shared memory that a thread keeps, since it copies to it, or to places a fixed way behind it, again and again.
template <class Array>
struct SharedPlace {
  unsigned address;
};
template <class Array>
INGOT_INLINE SharedPlace<Array> placeIn(Array& array, int i) {
  unsigned address = (unsigned)__cvta_generic_to_shared(&array.values[i]);
  asm volatile("" : "+r"(address));
  return {address};
}

// Part `part` of 16 bytes, which has the size of T.
template <class T, int N>
INGOT_INLINE T loadPart(SharedArray<Words, N>& from, int i, int part) {
  return ((const T*)&from.values[i])[part];
}
template <class T, class Array>
INGOT_INLINE T loadPart(const SharedPlace<Array>& from, int further, int part) {
  return *(const T*)__cvta_shared_to_generic(from.address + further * 16 + part * (int)sizeof(T));
}

// Adds, whatever other threads add meanwhile; returns what was there.
template <class T, int N>
INGOT_INLINE T addShared(SharedArray<T, N>& to, int i, T value) {
  return atomicAdd(&to.values[i], value);
}

// Whether there are kernels for warpgroups' tensor cores (warpgroup.cuh).
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool kHasWarpgroups = true;
#else
constexpr bool kHasWarpgroups = false;
#endif

INGOT_INLINE float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
// The larger one; of a number and none the number.
INGOT_INLINE float maximum(float a, float b) { return fmaxf(a, b); }
INGOT_INLINE float power2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// 1 / x for x from 1 on, infinity too, within a unit in the last place. A division branches, and the next one waits for it.
INGOT_INLINE float reciprocal(float x) {
  constexpr float kMost = 0x1p126f;
  if (x > kMost) x = kMost;
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return fma(fma(-x, y, 1.0f), y, y);
}
// 1 / sqrt(x) of a normal x > 0, within two units in the last place.
INGOT_INLINE float inverseRoot(float x) {
  float y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y * fma(x * y * -0.5f, y, 1.5f);
}
INGOT_INLINE int roundEven(float x) { return __float2int_rn(x); }
INGOT_INLINE float asFloat(unsigned x) { return __uint_as_float(x); }
INGOT_INLINE unsigned asBits(float x) { return __float_as_uint(x); }
INGOT_INLINE int bitCount(unsigned x) { return __popc((int)x); }
// Four of the bytes of `low`, which are 0 to 3, and of `high`, 4 to 7: a hexadecimal digit each, the lowest byte's last.
INGOT_INLINE unsigned pickBytes(unsigned low, unsigned high, unsigned which) { return __byte_perm(low, high, which); }
INGOT_INLINE int lowestBit(unsigned x) { return __ffs((int)x) - 1; }  // of x that is not 0
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
// Beyond f16's range its largest value, not infinity.
INGOT_INLINE unsigned short saturateToHalf(float x) {
#if __CUDA_ARCH__ >= 800
  unsigned short y;
  asm("cvt.rn.satfinite.f16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
#else
  return floatToHalf(x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x);
#endif
}
// Two of them, the first one below.
INGOT_INLINE unsigned packSaturated(float low, float high) {
#if __CUDA_ARCH__ >= 800
  unsigned both;
  asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
#else
  return saturateToHalf(low) | (unsigned)saturateToHalf(high) << 16;
#endif
}
// Two halves less two halves.
INGOT_INLINE unsigned subtractHalves(unsigned a, unsigned b) {
  unsigned both;
  asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(both) : "r"(a), "r"(b));
  return both;
}
// Four signed 8-bit products, exact.
INGOT_INLINE int dotQuad(int a, int b, int sum) { return __dp4a(a, b, sum); }

// Tensor cores (PTX ISA, mma.sync): d += a b, with 16 rows of a and 8 columns of b. Lane l holds of a the rows l / 4 and l / 4 + 8,
// of b the column l / 4; in both the words l % 4 and l % 4 + 4 along k; of d the columns 2 (l % 4) and the next one.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
constexpr bool kHasTensorCores = true;
INGOT_INLINE void multiplyBfloats(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
INGOT_INLINE void multiplyHalves(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
INGOT_INLINE void multiplyBytes(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#if __CUDA_ARCH__ >= 890
// Two 8-bit floats of a word, the lower or the upper ones, as f16 (PTX ISA, cvt).
INGOT_INLINE unsigned widenFloat8s(unsigned word, int upper) {
  unsigned halves;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(halves) : "h"((unsigned short)(word >> upper * 16)));
  return halves;
}
#endif
// Words of four 8-bit floats (float8.cuh). d is in units of kFloat8Unit.
#if __CUDA_ARCH__ == 900
// As f16, the lower two floats of every word, then the upper ones: what mma.sync of 8-bit floats is there, but that it sums each 32 columns up
// from zero and then adds them, which products of warpgroups (warpgroup.cuh) do not.
constexpr float kFloat8Unit = 1.0f;
INGOT_INLINE void multiplyFloat8s(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  for (int upper = 0; upper < 2; ++upper) {
    unsigned wideA[4], wideB[2];
    for (int i = 0; i < 4; ++i) wideA[i] = widenFloat8s(a[i], upper);
    for (int i = 0; i < 2; ++i) wideB[i] = widenFloat8s(b[i], upper);
    multiplyHalves(d, wideA, wideB);
  }
}
#elif __CUDA_ARCH__ >= 890
constexpr float kFloat8Unit = 1.0f;
INGOT_INLINE void multiplyFloat8s(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#else
// As f16, whose products are exact: the odd bytes, then the even ones, each 2^-8 of its value.
constexpr float kFloat8Unit = 0x1p16f;
INGOT_INLINE unsigned halvesOfOdd(unsigned bytes) { return (bytes & 0x80008000u) | (bytes >> 1 & 0x3f803f80u); }
INGOT_INLINE void multiplyFloat8s(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  for (int shift = 0; shift <= 8; shift += 8) {
    unsigned wideA[4], wideB[2];
    for (int i = 0; i < 4; ++i) wideA[i] = halvesOfOdd(a[i] << shift);
    for (int i = 0; i < 2; ++i) wideB[i] = halvesOfOdd(b[i] << shift);
    multiplyHalves(d, wideA, wideB);
  }
}
#endif
// Two values as bf16, or as f16, the first one below.
INGOT_INLINE unsigned packBfloats(float low, float high) {
  unsigned both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}
INGOT_INLINE unsigned packHalves(float low, float high) {
  unsigned both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}

// Copies to shared memory that go on while the thread does (PTX ISA, cp.async): 16 bytes to element i. A thread closes groups of
// its own copies and waits until at most so many groups are under way; other threads see them behind a barrier after that.
template <class Array>
INGOT_INLINE void copyAsync(const SharedPlace<Array>& to, int further, const void* from) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to.address + further * 16), "l"(from) : "memory");
}
template <int N>
INGOT_INLINE void copyAsync(SharedArray<Words, N>& to, int i, const void* from) {
  copyAsync(SharedPlace<SharedArray<Words, N>>{(unsigned)__cvta_generic_to_shared(to.values)}, i, from);
}
INGOT_INLINE void closeCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Most>
INGOT_INLINE void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Most) : "memory");
}
#else
constexpr bool kHasTensorCores = false;
INGOT_INLINE void multiplyBfloats(float (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
INGOT_INLINE void multiplyHalves(float (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
INGOT_INLINE void multiplyBytes(int (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
constexpr float kFloat8Unit = 1.0f;
INGOT_INLINE void multiplyFloat8s(float (&)[4], const unsigned (&)[4], const unsigned (&)[2]) {}
INGOT_INLINE unsigned packBfloats(float, float) { return 0; }
INGOT_INLINE unsigned packHalves(float, float) { return 0; }
template <class Array>
INGOT_INLINE void copyAsync(const SharedPlace<Array>&, int, const void*) {}
template <int N>
INGOT_INLINE void copyAsync(SharedArray<Words, N>&, int, const void*) {}
INGOT_INLINE void closeCopies() {}
template <int Most>
INGOT_INLINE void waitForCopies() {}
#endif

// The threads of a tile, which may be the first ones of a larger block, wait for each other.
template <int Threads>
INGOT_INLINE void syncTile() {
  asm volatile("bar.sync 1, %0;" ::"n"(Threads) : "memory");
}

// A thread's warp: the same in every lane, which the compiler then knows.
INGOT_INLINE int warpOf(unsigned thread) { return __shfl_sync(kFullWarp, (int)thread / kWarp, 0); }

template <class T>
INGOT_INLINE T load(const void* from) {
  return *(const T*)from;
}
// 8 x 8 halves, of which lane l has two neighbours of row l / 4, 2 (l % 4) and the next one: rows become columns.
INGOT_INLINE unsigned transposeHalves(unsigned pair) {
  unsigned turned;
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(turned) : "r"(pair));
  return turned;
}
// 16 bytes that are read once: they pass the first-level cache by.
INGOT_INLINE Words loadStream(const void* from) {
  Words words;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
      : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
      : "l"(from));
  return words;
}
// What other blocks of this launch wrote before they said so: not from the first-level cache.
INGOT_INLINE float loadFresh(const float* from) {
  float v;
  asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(v) : "l"(from) : "memory");
  return v;
}
INGOT_INLINE FourFloats loadFreshFour(const float* from) {
  FourFloats v;
  asm volatile("ld.global.cg.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(v.at[0]), "=f"(v.at[1]), "=f"(v.at[2]), "=f"(v.at[3]) : "l"(from) : "memory");
  return v;
}
// The value is there before what comes next: a compiler that puts its sum off keeps all of its parts in registers until then.
INGOT_INLINE void settle(float& value) { asm volatile("" : "+f"(value)); }
INGOT_INLINE void settle(int& value) { asm volatile("" : "+r"(value)); }
// A place in global memory that would otherwise be computed wherever it is used.
INGOT_INLINE void settle(const char*& place) {
  size_t address = __cvta_generic_to_global(place);
  asm volatile("" : "+l"(address));
  place = (const char*)__cvta_global_to_generic(address);
}
// In shared memory.
INGOT_INLINE void settleShared(const char*& place) {
  size_t address = __cvta_generic_to_shared(place);
  asm volatile("" : "+l"(address));
  place = (const char*)__cvta_shared_to_generic(address);
}
template <class T>
INGOT_INLINE void store(void* to, T value) {
  *(T*)to = value;
}

// A launch may begin while the one before it ends (PTX ISA, griddepcontrol): what it reads of other launches' results comes behind
// awaitLaunches(). Every block calls both, so that a launch which has ended says that all before it have.
INGOT_INLINE void allowNextLaunch() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
#ifdef INGOT_WALKS
#include "kernels/prim/turns.cuh"
#else
INGOT_INLINE void awaitLaunches() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
#endif
// Brings 128 bytes into the second-level cache.
INGOT_INLINE void prefetchLine(const void* from) { asm volatile("prefetch.global.L2 [%0];" ::"l"(from)); }

template <class Tile>
constexpr int minBlocksOf() {
  if constexpr (requires { Tile::kMinBlocks; }) return Tile::kMinBlocks;
  else return 0;
}

// Shared memory of a launch, which a Tile with kDynamicBytes takes: more than a kernel may have of its own.
extern __shared__ __align__(1024) char ingotDynamicShared[];
template <class Tile>
INGOT_INLINE typename Tile::Storage& storageOf() {
  if constexpr (requires { Tile::kDynamicBytes; }) {
    static_assert(sizeof(typename Tile::Storage) <= Tile::kDynamicBytes);
    return *(typename Tile::Storage*)ingotDynamicShared;
  } else {
    __shared__ typename Tile::Storage storage;
    return storage;
  }
}

// A Tile with kCluster has neighbours in clusters of so many blocks (sm_90 and later); its count is a multiple of that.
#define INGOT_KERNEL(symbol, ...) INGOT_KERNEL_WITH(, symbol, __VA_ARGS__)
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define INGOT_CLUSTER_KERNEL(symbol, ...) INGOT_KERNEL_WITH(__cluster_dims__(__VA_ARGS__::kCluster, 1, 1), symbol, __VA_ARGS__)
#else
#define INGOT_CLUSTER_KERNEL(symbol, ...) INGOT_KERNEL(symbol, __VA_ARGS__)
#endif
#define INGOT_KERNEL_WITH(attribute, symbol, ...)                                                           \
  extern "C" __global__ void attribute __launch_bounds__(__VA_ARGS__::kThreads, minBlocksOf<__VA_ARGS__>()) \
      symbol(const IngotBatch* batch, const IngotOperands operands) {                                       \
    auto& storage = storageOf<__VA_ARGS__>();                                                               \
    allowNextLaunch();                                                                                      \
    prefetchTile<__VA_ARGS__>(*batch, operands.at, (int)blockIdx.x, storage);                               \
    bool isTile = (int)blockIdx.x < __VA_ARGS__::count(*batch);                                             \
    if (!isTile || !awaitsItself<__VA_ARGS__>()) awaitLaunches();                                           \
    if (isTile) __VA_ARGS__::run(*batch, operands.at, (int)blockIdx.x, storage);                            \
  }

#else

INGOT_INLINE Words loadStream(const void* from) { return load<Words>(from); }
INGOT_INLINE float loadFresh(const float* from) { return *from; }
INGOT_INLINE FourFloats loadFreshFour(const float* from) { return load<FourFloats>(from); }
INGOT_INLINE void prefetchLine(const void*) {}
INGOT_INLINE void settle(float&) {}
INGOT_INLINE void settle(int&) {}
INGOT_INLINE void settle(const char*&) {}
INGOT_INLINE void settleShared(const char*&) {}
INGOT_INLINE int warpOf(unsigned thread) { return (int)thread / kWarp; }
INGOT_INLINE unsigned transposeHalves(unsigned pair) {
  int lane = threadIdx.x % kWarp, from = lane % 4 * 8 + lane / 8, shift = lane / 4 % 2 * 16;
  unsigned low = __shfl_sync(kFullWarp, pair, from), high = __shfl_sync(kFullWarp, pair, from + 4);
  return (low >> shift & 0xffff) | (high >> shift & 0xffff) << 16;
}

#endif

template <class Tile>
INGOT_INLINE void prefetchTile(const IngotBatch& batch, void* const* operands, int index, typename Tile::Storage& storage) {
  if constexpr (requires { Tile::prefetch(batch, operands, index, storage); }) Tile::prefetch(batch, operands, index, storage);
}

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
