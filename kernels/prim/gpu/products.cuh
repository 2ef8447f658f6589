// wgmma, ldmatrix and stmatrix.
#pragma once

#include "kernels/prim/gpu/barriers.cuh"

// Four 8 x 8 matrices of halves (PTX ISA, ldmatrix.trans): lane l passes the address of row l % 8 of matrix l / 8, and receives column l / 4 of
// each, rows 2 (l % 4) and the next one.
template <int N>
INGOT_INLINE Words loadTransposed(SharedArray<Words, N>& from, int i) {
  Words words;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
               : "r"(sharedAddress(&from.values[i]))
               : "memory");
  return words;
}
// Four 8 x 8 matrices of halves (PTX ISA, stmatrix): lane l holds columns 2 (l % 4) and the next one of row l / 4 of each, and passes the address
// of row l % 8 of matrix l / 8. Visible to threads that wait for the phase in which the calling warp next arrives.
template <int N, int B>
INGOT_INLINE void storeMatrices(SharedArray<Words, N>& to, int i, const Words& words, SharedBarriers<B>&, int) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1,%2,%3,%4};" ::"r"(sharedAddress(&to.values[i])), "r"(words.at[0]),
               "r"(words.at[1]), "r"(words.at[2]), "r"(words.at[3])
               : "memory");
}

// Warpgroup mma (PTX ISA, wgmma): d += a * x for 64 channels, 16 per warp, with a in registers as for mma.sync, and Rows rows of x in shared
// memory. Lane l holds in d[4 j] ... d[4 j + 3] the rows 8 j + 2 (l % 4) and the next one, for its warp's channel l / 4, then l / 4 + 8. Products
// are committed in groups, like copies. Accumulators and fragments must not be touched while a group that uses them is in flight.
INGOT_INLINE void beginProducts() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
INGOT_INLINE void commitProducts() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Most>
INGOT_INLINE void waitForProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Most) : "memory");
}
template <int Most, int N>
INGOT_INLINE void waitForProducts(float (&d)[N]) {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Most) : "memory");
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
template <int Most, int N>
INGOT_INLINE void waitForProducts(int (&d)[N]) {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Most) : "memory");
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+r"(d[i])::"memory");
}
#define INGOT_SUMS8(kind, d, i) \
  kind(d[i]), kind(d[i + 1]), kind(d[i + 2]), kind(d[i + 3]), kind(d[i + 4]), kind(d[i + 5]), kind(d[i + 6]), kind(d[i + 7])
#define INGOT_SUMS16(kind, d, i) INGOT_SUMS8(kind, d, i), INGOT_SUMS8(kind, d, i + 8)
#define INGOT_SUMS32(kind, d, i) INGOT_SUMS16(kind, d, i), INGOT_SUMS16(kind, d, i + 16)
#define INGOT_NUMBERS16 "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15"
#define INGOT_NUMBERS32 INGOT_NUMBERS16 ",%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define INGOT_NUMBERS48 INGOT_NUMBERS32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47"
#define INGOT_NUMBERS64 \
  INGOT_NUMBERS32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define INGOT_NUMBERS96 \
  INGOT_NUMBERS64 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
// `form`: rows, shape along k and types; `options`: operands after the predicate that keeps the sums.
#define INGOT_MULTIPLY_WIDE(form, numbers, fragment, rest, keepsAt, options, ...)                                                           \
  asm volatile("{ .reg .pred keeps; setp.ne.b32 keeps, " keepsAt ", 0; wgmma.mma_async.sync.aligned.m64n" form " {" numbers "}, {" fragment \
               "}, " rest ", keeps" options "; }"                                                                                           \
               : __VA_ARGS__                                                                                                                \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(matrix), "r"((int)keeps))
#define INGOT_MULTIPLY_32(form, options, kind) \
  INGOT_MULTIPLY_WIDE("32" form, INGOT_NUMBERS16, "%16,%17,%18,%19", "%20", "%21", options, INGOT_SUMS16(kind, d, 0))
#define INGOT_MULTIPLY_64(form, options, kind) \
  INGOT_MULTIPLY_WIDE("64" form, INGOT_NUMBERS32, "%32,%33,%34,%35", "%36", "%37", options, INGOT_SUMS32(kind, d, 0))
#define INGOT_MULTIPLY_96(form, options, kind) \
  INGOT_MULTIPLY_WIDE("96" form, INGOT_NUMBERS48, "%48,%49,%50,%51", "%52", "%53", options, INGOT_SUMS32(kind, d, 0), INGOT_SUMS16(kind, d, 32))
#define INGOT_MULTIPLY_128(form, options, kind) \
  INGOT_MULTIPLY_WIDE("128" form, INGOT_NUMBERS64, "%64,%65,%66,%67", "%68", "%69", options, INGOT_SUMS32(kind, d, 0), INGOT_SUMS32(kind, d, 32))
#define INGOT_MULTIPLY_192(form, options, kind)                                                                                                     \
  INGOT_MULTIPLY_WIDE("192" form, INGOT_NUMBERS96, "%96,%97,%98,%99", "%100", "%101", options, INGOT_SUMS32(kind, d, 0), INGOT_SUMS32(kind, d, 32), \
                      INGOT_SUMS32(kind, d, 64))
// wgmma matrix descriptor of rows from element firstX on, as copyRows stores them: address and stride between groups of eight rows, in units of 16
// bytes; 128-byte swizzle. `unit` selects 32 bytes of each line.
template <int N>
INGOT_INLINE ingot_u64 sharedDescriptor(SharedArray<Words, N>& x, int firstX, int unit) {
  return (sharedAddress(&x.values[firstX + unit * 2]) & 0x3ffffu) >> 4 | 1ull << 16 | 64ull << 32 | 1ull << 62;
}
#define INGOT_FLOAT(value) "+f"(value)
#define INGOT_INTEGER(value) "+r"(value)
#define INGOT_NEW_INTEGER(value) "=r"(value)
#define INGOT_NEW_FLOAT(value) "=f"(value)
// `unit`: which 16 of 64 columns. Unless `keeps`, sums start from zero.
template <int Rows, int N>
INGOT_INLINE void multiplyWide(float (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<Words, N>& x, int firstX, int unit, bool keeps) {
  static_assert(Rows == 32 || Rows == 64 || Rows == 128 || Rows == 192);
  ingot_u64 matrix = sharedDescriptor(x, firstX, unit);
  if constexpr (Rows == 32) INGOT_MULTIPLY_32("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
  else if constexpr (Rows == 64) INGOT_MULTIPLY_64("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
  else if constexpr (Rows == 128) INGOT_MULTIPLY_128("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
  else INGOT_MULTIPLY_192("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
}
// The same for 8-bit codes, exact; `unit`: which 32 of 128. Accumulators that start from zero are outputs only: otherwise the compiler
// materialises zeros.
template <bool Keeps, int Rows, int N>
INGOT_INLINE void multiplyWideCodes(int (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<Words, N>& x, int firstX, int unit) {
  static_assert(Rows == 32 || Rows == 64 || Rows == 96 || Rows == 128);
  constexpr bool keeps = Keeps;
  ingot_u64 matrix = sharedDescriptor(x, firstX, unit);
  if constexpr (Rows == 32 && Keeps) INGOT_MULTIPLY_32("k32.s32.s8.s8", "", INGOT_INTEGER);
  else if constexpr (Rows == 32) INGOT_MULTIPLY_32("k32.s32.s8.s8", "", INGOT_NEW_INTEGER);
  else if constexpr (Rows == 64 && Keeps) INGOT_MULTIPLY_64("k32.s32.s8.s8", "", INGOT_INTEGER);
  else if constexpr (Rows == 64) INGOT_MULTIPLY_64("k32.s32.s8.s8", "", INGOT_NEW_INTEGER);
  else if constexpr (Rows == 96 && Keeps) INGOT_MULTIPLY_96("k32.s32.s8.s8", "", INGOT_INTEGER);
  else if constexpr (Rows == 96) INGOT_MULTIPLY_96("k32.s32.s8.s8", "", INGOT_NEW_INTEGER);
  else if constexpr (Keeps) INGOT_MULTIPLY_128("k32.s32.s8.s8", "", INGOT_INTEGER);
  else INGOT_MULTIPLY_128("k32.s32.s8.s8", "", INGOT_NEW_INTEGER);
}
// The same for f16 and bf16; `unit` as for multiplyWide.
#define INGOT_MULTIPLY_FLOATS(rows, form)                                                     \
  if constexpr (Rows == rows && Keeps) INGOT_MULTIPLY_##rows(form, ", 1, 1, 0", INGOT_FLOAT); \
  else if constexpr (Rows == rows) INGOT_MULTIPLY_##rows(form, ", 1, 1, 0", INGOT_NEW_FLOAT)
template <bool Keeps, int Rows, int N>
INGOT_INLINE void multiplyWideHalves(float (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<Words, N>& x, int firstX, int unit) {
  static_assert(Rows == 32 || Rows == 64 || Rows == 96 || Rows == 128);
  constexpr bool keeps = Keeps;
  ingot_u64 matrix = sharedDescriptor(x, firstX, unit);
  INGOT_MULTIPLY_FLOATS(32, "k16.f32.f16.f16");
  INGOT_MULTIPLY_FLOATS(64, "k16.f32.f16.f16");
  INGOT_MULTIPLY_FLOATS(96, "k16.f32.f16.f16");
  INGOT_MULTIPLY_FLOATS(128, "k16.f32.f16.f16");
}
template <bool Keeps, int Rows, int N>
INGOT_INLINE void multiplyWideBfloats(float (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<Words, N>& x, int firstX, int unit) {
  static_assert(Rows == 64 || Rows == 128);
  constexpr bool keeps = Keeps;
  ingot_u64 matrix = sharedDescriptor(x, firstX, unit);
  INGOT_MULTIPLY_FLOATS(64, "k16.f32.bf16.bf16");
  INGOT_MULTIPLY_FLOATS(128, "k16.f32.bf16.bf16");
}
// The same with both operands in shared memory: 64 channels are stored as lines, like rows of x, from element firstA on.
#define INGOT_MULTIPLY_SHARED_64(form, kind)                                                                                  \
  asm volatile("{ .reg .pred keeps; setp.ne.b32 keeps, %34, 0; wgmma.mma_async.sync.aligned.m64n64" form " {" INGOT_NUMBERS32 \
               "}, %32, %33, keeps"                                                                                           \
               ", 1, 1, 0, 0; }"                                                                                              \
               : INGOT_SUMS32(kind, d, 0)                                                                                     \
               : "l"(lines), "l"(matrix), "r"((int)Keeps))
#define INGOT_MULTIPLY_SHARED(form)                                                                \
  ingot_u64 lines = sharedDescriptor(a, firstA, unit), matrix = sharedDescriptor(x, firstX, unit); \
  if constexpr (Keeps) INGOT_MULTIPLY_SHARED_64(form, INGOT_FLOAT);                                \
  else INGOT_MULTIPLY_SHARED_64(form, INGOT_NEW_FLOAT)
template <bool Keeps, int M, int N>
INGOT_INLINE void multiplySharedHalves(float (&d)[32], SharedArray<Words, M>& a, int firstA, SharedArray<Words, N>& x, int firstX, int unit) {
  INGOT_MULTIPLY_SHARED("k16.f32.f16.f16");
}
template <bool Keeps, int M, int N>
INGOT_INLINE void multiplySharedBfloats(float (&d)[32], SharedArray<Words, M>& a, int firstA, SharedArray<Words, N>& x, int firstX, int unit) {
  INGOT_MULTIPLY_SHARED("k16.f32.bf16.bf16");
}
// Makes the thread's stores to shared memory visible to the async proxy (wgmma), for threads that synchronise with it afterwards.
INGOT_INLINE void fenceProxyAsync() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
