// What the compiler must know of sample.
#pragma once

constexpr int kCudaSampleThreads = 1024;
// Ids that a row's choice may be restricted to, at most: four a thread.
constexpr int kCudaSampleAllowed = 4096;
