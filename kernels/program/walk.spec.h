// What the compiler must know of the kernel that walks a program: how many blocks a multiprocessor runs, and what shared memory they have.
#pragma once

#include "kernels/attention/attention.spec.h"

struct CudaWalk {
  int blocks, bytes, otherBytes;
  // Of linear's tiles: rings of weights, a row, sums.
  constexpr int weightBytes() const { return bytes - otherBytes; }
};
// Beside weights: steps, what the batch says of its token (walk.cuh), and attention's.
constexpr int cudaWalkOtherBytes(int headDim) { return (attentionAloneBytes(headDim) + 6 * 1024 + 511) / 512 * 512; }
// Of a multiprocessor's shared memory the driver takes a kilobyte of every block. Two blocks stream weights better than one, where half of it is
// enough for the longest row that a block makes.
constexpr CudaWalk cudaWalk(int multiprocessorBytes, int headDim) {
  int other = cudaWalkOtherBytes(headDim), blocks = multiprocessorBytes / 2 - 2048 - other >= 40 << 10 ? 2 : 1;
  int bytes = (multiprocessorBytes / blocks - 2048) / 1024 * 1024;
  return {blocks, bytes, other};
}
