// The program of the persistent kernel: its steps, in GPU memory. Part of the file format, like abi.h.
#pragma once

#include "kernels/abi/abi.h"

// Size of the window of steps that the kernel keeps in shared memory: the current one and those after it. The program ends with this many steps
// whose kernel is -1.
#define INGOT_STEPS_AHEAD 8

// A step; `kernel` is an index into the program's kernels.
struct IngotStep {
  ingot_i32 kernel;
  struct IngotOperands operands;
};
