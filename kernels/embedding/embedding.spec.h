// What the compiler must know of embedding.
#pragma once

// Columns of a CUDA tile: two per thread, since the columns of a packed row are far apart in memory.
constexpr int kCudaEmbeddingThreads = 128, kCudaEmbeddingColumns = 2 * kCudaEmbeddingThreads;
constexpr int cudaEmbeddingTiles(long long columns) { return (int)((columns + kCudaEmbeddingColumns - 1) / kCudaEmbeddingColumns); }
