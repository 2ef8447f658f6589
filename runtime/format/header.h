// The fixed start of model.ingot, and the layout of the rest:
//   header (64 bytes) | plan (FlatBuffer) | SHA-256 of every 1 MiB chunk of the body | zeros to a page | body
// The root hash covers everything before the body, with itself as zeros; the chunk hashes cover the body. So every
// byte of the file is under the root hash.
#pragma once

#include <cstdint>

#include "runtime/format/sha256.h"

namespace ingot {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kChunkBytes = 1 << 20;
constexpr uint8_t kMagic[8] = {'I', 'N', 'G', 'O', 'T', 0x1a, '\r', '\n'};
// A reader accepts its own major version, and minor versions up to its own.
constexpr uint16_t kFormatMajor = 7;
constexpr uint16_t kFormatMinor = 1;
// Limits of a plan that the reader accepts.
constexpr uint32_t kMaxPlanBytes = 64u << 20;

struct FileHeader {
  uint8_t magic[8];
  uint16_t major;
  uint16_t minor;
  uint32_t planBytes;
  uint64_t totalBytes;
  uint64_t bodyOffset;
  Sha256 root;
};
static_assert(sizeof(FileHeader) == 64);

constexpr uint64_t chunkCount(uint64_t bodyBytes) { return (bodyBytes + kChunkBytes - 1) / kChunkBytes; }

}  // namespace ingot
