// What the compiler must know of sample.
#pragma once

constexpr int kCudaSampleThreads = 1024;
// Ids that a row's choice may be restricted to, at most: four a thread.
constexpr int kCudaSampleAllowed = 4096;
// Blocks of a row. Where clusters have fewer, or there are none, the first ones do all of it.
constexpr int cudaSampleBlocks(long long columns) { return columns >= 64 << 10 ? 8 : columns >= 32 << 10 ? 4 : columns >= 16 << 10 ? 2 : 1; }
