// What the compiler must know of rope_append.
#pragma once

// A CUDA tile is some heads of one token, two per warp.
constexpr int kCudaRopeThreads = 256, kCudaRopeHeads = kCudaRopeThreads / 32 * 2;
constexpr int cudaRopeTiles(int heads, int kvHeads) { return (heads + 2 * kvHeads + kCudaRopeHeads - 1) / kCudaRopeHeads; }
