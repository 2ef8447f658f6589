// A batch packed into one block of bytes for the GPU: the struct, then its arrays without unused capacity.
#pragma once

#include <cstddef>

#include "runtime/exec/batch.h"

namespace ingot {

// Bytes of the largest batch.
size_t packedBatchBytes(const BatchLimits& limits);

// Packs `batch` into `to`, with pointers for a block at `address`. Returns the bytes used.
size_t packBatch(const IngotBatch& batch, uint64_t address, std::byte* to);

}  // namespace ingot
