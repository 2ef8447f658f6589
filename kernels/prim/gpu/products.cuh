// Products of a warpgroup, and how fragments come to shared memory and from there.
#pragma once

#include "kernels/prim/gpu/barriers.cuh"

// Four matrices of 8 by 8 halves (PTX ISA, ldmatrix): lane l says where row l % 8 of matrix l / 8 is, and gets column l / 4 of each,
// rows 2 (l % 4) and the next one.
template <int N>
INGOT_INLINE Words loadTransposed(SharedArray<Words, N>& from, int i) {
  Words words;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
               : "r"(sharedAddress(&from.values[i]))
               : "memory");
  return words;
}
// Four matrices of 8 by 8 halves (PTX ISA, stmatrix), of which lane l has columns 2 (l % 4) and the next one of row l / 4 each, and says where row
// l % 8 of matrix l / 8 goes. They are seen by who waits for the phase in which the thread's warp arrives.
template <int N, int B>
INGOT_INLINE void storeMatrices(SharedArray<Words, N>& to, int i, const Words& words, SharedBarriers<B>&, int) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1,%2,%3,%4};" ::"r"(sharedAddress(&to.values[i])), "r"(words.at[0]),
               "r"(words.at[1]), "r"(words.at[2]), "r"(words.at[3])
               : "memory");
}

// Tensor cores of a warpgroup (PTX ISA, wgmma): four warps begin d += a x for 16 columns of 64 channels, 16 a warp, whose fragments are as those of
// mma.sync, and Rows rows of x, which are read from shared memory. Lane l holds of d[4 j] ... d[4 j + 3] the rows 8 j + 2 (l % 4) and the
// next one, of its warp's channel l / 4, then of l / 4 + 8.
// Products come in groups, as copies do. Sums are touched by nobody while a group of theirs is under way, fragments neither.
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
// `form`: rows and formats; `options`: what it takes behind whether it keeps its sums.
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
// Rows from element firstX on as copyRows leaves them, 32 bytes of each line, the unit'th: their address, and the distance of eight rows, in 16
// bytes; chunks trade places within 128 bytes.
template <int N>
INGOT_INLINE ingot_u64 sharedDescriptor(SharedArray<Words, N>& x, int firstX, int unit) {
  return (sharedAddress(&x.values[firstX + unit * 2]) & 0x3ffffu) >> 4 | 1ull << 16 | 64ull << 32 | 1ull << 62;
}
#define INGOT_FLOAT(value) "+f"(value)
#define INGOT_INTEGER(value) "+r"(value)
#define INGOT_NEW_INTEGER(value) "=r"(value)
#define INGOT_NEW_FLOAT(value) "=f"(value)
// `unit` is which 16 of 64 columns. Where not `keeps`, sums begin from zero.
template <int Rows, int N>
INGOT_INLINE void multiplyWide(float (&d)[Rows / 2], const unsigned (&a)[4], SharedArray<Words, N>& x, int firstX, int unit, bool keeps) {
  static_assert(Rows == 32 || Rows == 64 || Rows == 128 || Rows == 192);
  ingot_u64 matrix = sharedDescriptor(x, firstX, unit);
  if constexpr (Rows == 32) INGOT_MULTIPLY_32("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
  else if constexpr (Rows == 64) INGOT_MULTIPLY_64("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
  else if constexpr (Rows == 128) INGOT_MULTIPLY_128("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
  else INGOT_MULTIPLY_192("k16.f32.f16.f16", ", 1, 1, 0", INGOT_FLOAT);
}
// The same of codes of 8 bits, exact: `unit` is which 32 of 128. Sums that begin from zero are outputs alone: else a compiler gives their zeros to
// others.
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
// The same of f16, and of bf16; `unit` as multiplyWide has it.
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
// The same of 64 channels that lie in shared memory as rows do, lines from element firstA on; of both operands the same columns.
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
// What a thread stored in shared memory is there for products, once somebody has waited for the thread (PTX ISA, fence.proxy.async).
INGOT_INLINE void fenceProxyAsync() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
