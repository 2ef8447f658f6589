// Instructions that the machine of a test may lack, in plain C++: what a kernel does with them is tested though they do not run.
// Stands before a kernel's source, under the names of the compiler's own functions.
typedef int StandInInts __attribute__((vector_size(64)));
typedef unsigned char StandInBytes __attribute__((vector_size(64)));
typedef int StandInTile __attribute__((vector_size(1024), aligned(64)));
#define STAND_IN static inline __attribute__((always_inline))

STAND_IN StandInInts standInDots(StandInInts total, StandInInts unsignedBytes, StandInInts signedBytes) {
  StandInBytes a = (StandInBytes)unsignedBytes, b = (StandInBytes)signedBytes;
  for (int i = 0; i < 64; ++i) total[i / 4] += (int)a[i] * (int)(signed char)b[i];
  return total;
}
#define __builtin_ia32_vpdpbusd512 standInDots

// A tile: 16 rows of 64 bytes, of which `rows` and `bytes` are in use and the others 0.
STAND_IN StandInTile standInLoad(unsigned short rows, unsigned short bytes, const void* at, unsigned long stride) {
  StandInTile tile = {};
  for (int r = 0; r < rows; ++r) __builtin_memcpy((char*)&tile + 64 * r, (const char*)at + r * stride, bytes);
  return tile;
}
STAND_IN void standInStore(unsigned short rows, unsigned short bytes, void* at, unsigned long stride, StandInTile tile) {
  for (int r = 0; r < rows; ++r) __builtin_memcpy((char*)at + r * stride, (const char*)&tile + 64 * r, bytes);
}
STAND_IN StandInTile standInZero(unsigned short, unsigned short) { return StandInTile{}; }
STAND_IN StandInTile standInProduct(unsigned short rows, unsigned short bytes, unsigned short depth, StandInTile total, StandInTile signedTile,
                                    StandInTile unsignedTile) {
  const signed char* a = (const signed char*)&signedTile;
  const unsigned char* b = (const unsigned char*)&unsignedTile;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < bytes / 4; ++c)
      for (int k = 0; k < depth; ++k) total[16 * r + c] += a[64 * r + k] * b[64 * (k / 4) + 4 * c + k % 4];
  return total;
}
#define __builtin_ia32_tileloadd64_internal standInLoad
#define __builtin_ia32_tilestored64_internal standInStore
#define __builtin_ia32_tilezero_internal standInZero
#define __builtin_ia32_tdpbsud_internal standInProduct
