// Constants that kernels of several folders, and the compiler, share.
#pragma once

constexpr float kLog2e = 1.44269504088896341f;
// Of an H100, for which tile shapes are chosen. Other GPUs run them too.
constexpr int kTunedMultiprocessors = 132;
