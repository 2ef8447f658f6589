// What the compiler must know of embedding.
#pragma once

// A CUDA tile has so many columns of a token, two a thread: those of a packed row are far apart in memory.
constexpr int kCudaEmbeddingThreads = 128, kCudaEmbeddingColumns = 2 * kCudaEmbeddingThreads;
constexpr int cudaEmbeddingTiles(long long columns) { return (int)((columns + kCudaEmbeddingColumns - 1) / kCudaEmbeddingColumns); }
