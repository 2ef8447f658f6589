// What the compiler must know of sample.
#pragma once

constexpr int kCudaSampleThreads = 1024;
