// A batch as one block of bytes that a GPU reads: the struct, then its arrays as tight as this batch allows.
#pragma once

#include <cstddef>

#include "runtime/exec/batch.h"

namespace ingot {

// Bytes that the largest batch takes.
size_t packedBatchBytes(const BatchLimits& limits);

// Writes `batch` to `to`, with pointers as they are when the block lies at `address`. Returns the bytes used.
size_t packBatch(const IngotBatch& batch, uint64_t address, std::byte* to);

}  // namespace ingot
