// What a persistent kernel walks: the steps of a program, in memory of the GPU. Part of the file format, as abi.h is.
#pragma once

#include "kernels/abi/abi.h"

// A step, by the index of its kernel among the program's; behind the last one stand INGOT_STEPS_AHEAD with a kernel of -1, for those that look ahead.
#define INGOT_STEPS_AHEAD 8
struct IngotStep {
  ingot_i32 kernel;
  struct IngotOperands operands;
};
