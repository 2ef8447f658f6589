// Matrix products of 8-bit values in AMX tiles (Intel, Architecture Instruction Set Extensions, chapter 3). A tile has up to 16 rows of 64 bytes.
// The compiler allocates tile registers and emits their configuration.
#pragma once

#include "kernels/prim/vector.h"

constexpr int kTileRows = 16, kTileBytes = 64;  // of a tile; bytes of a row

#if defined(__AMX_INT8__)
constexpr bool kTiles = true;
typedef int Tile __attribute__((vector_size(1024), aligned(64)));

INGOT_INLINE Tile loadTile(int rows, int bytes, const void* at, long long stride) {
  return __builtin_ia32_tileloadd64_internal((unsigned short)rows, (unsigned short)bytes, at, (unsigned long)stride);
}
INGOT_INLINE void storeTile(int rows, int bytes, void* at, long long stride, Tile tile) {
  __builtin_ia32_tilestored64_internal((unsigned short)rows, (unsigned short)bytes, at, (unsigned long)stride, tile);
}
INGOT_INLINE Tile zeroTile(int rows, int bytes) { return __builtin_ia32_tilezero_internal((unsigned short)rows, (unsigned short)bytes); }
// total[r][c] += sum over k < depth of x[r][k] * w[k / 4][4 c + k % 4], with x signed and w not; 16 channels c.
INGOT_INLINE Tile dotTiles(int rows, int depth, Tile total, Tile x, Tile w) {
  return __builtin_ia32_tdpbsud_internal((unsigned short)rows, kTileBytes, (unsigned short)depth, total, x, w);
}
#else
constexpr bool kTiles = false;
#endif
