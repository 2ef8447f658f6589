// What this machine's CPU can do at most, measured in the same run as a model: the limits that a benchmark is held against.
#pragma once

namespace ingot::cli {

// Bytes per second that `threads` threads read from a buffer larger than the caches; the best of a few rounds.
double readBandwidth(int threads);
// int8 multiply-adds x 2 per second of `threads` threads with the widest dot product of this CPU; 0 where there is none.
double int8Peak(int threads);
double float32Peak(int threads);

}  // namespace ingot::cli
