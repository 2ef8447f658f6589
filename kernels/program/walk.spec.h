// What the compiler must know of the persistent kernel: blocks per multiprocessor, and their shared memory.
#pragma once

#include "kernels/attention/attention.spec.h"

struct CudaWalk {
  int blocks, bytes, otherBytes;
  // For linear's tiles: the ring of weights, a row, sums.
  constexpr int weightBytes() const { return bytes - otherBytes; }
};
// Besides weights: the window of steps, the batch's data on its token (walk.cuh), and attention's storage.
constexpr int cudaWalkOtherBytes(int headDim) { return (attentionAloneBytes(headDim) + 6 * 1024 + 511) / 512 * 512; }
// The driver reserves a kilobyte of shared memory per block. Two blocks stream weights faster than one, if half of the memory suffices for the
// longest row that a block computes for itself.
constexpr CudaWalk cudaWalk(int multiprocessorBytes, int headDim) {
  int other = cudaWalkOtherBytes(headDim), blocks = multiprocessorBytes / 2 - 2048 - other >= 40 << 10 ? 2 : 1;
  int bytes = (multiprocessorBytes / blocks - 2048) / 1024 * 1024;
  return {blocks, bytes, other};
}
