// What the compiler must know of argmax.
#pragma once

constexpr int kCudaArgmaxThreads = 1024;
