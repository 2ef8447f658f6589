// What the compiler must know of rows.
#pragma once

// A CUDA tile is a row. Its threads have four neighbouring columns each, and again four behind those of all.
constexpr int cudaRowsThreads(long long columns) {
  long long threads = ((columns + 3) / 4 + 31) / 32 * 32;
  return (int)(threads < 256 ? threads : 256);
}
