// What the compiler must know of rows.
#pragma once

// A CUDA tile is a row. Each thread has four neighbouring columns of every 4 * threads.
constexpr int cudaRowsThreads(long long columns) {
  long long threads = ((columns + 3) / 4 + 31) / 32 * 32;
  return (int)(threads < 256 ? threads : 256);
}
