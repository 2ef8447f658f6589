// What the compiler must know of rope_append.
#pragma once

// A CUDA tile has some heads of a token, two a warp.
constexpr int kCudaRopeThreads = 256, kCudaRopeHeads = kCudaRopeThreads / 32 * 2;
constexpr int cudaRopeTiles(int heads, int kvHeads) { return (heads + 2 * kvHeads + kCudaRopeHeads - 1) / kCudaRopeHeads; }
