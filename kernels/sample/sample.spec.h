// What the compiler must know of sample.
#pragma once

constexpr int kCudaSampleThreads = 1024;
// Ids that a row's choice may be restricted to, at most: four per thread.
constexpr int kCudaSampleAllowed = 4096;
// Blocks per row. Where clusters are smaller, or unsupported, the first blocks do all the work.
constexpr int cudaSampleBlocks(long long columns) { return columns >= 64 << 10 ? 8 : columns >= 32 << 10 ? 4 : columns >= 16 << 10 ? 2 : 1; }
