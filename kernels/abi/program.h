// What a persistent kernel walks: the steps of a program, in memory of the GPU. Part of the file format, as abi.h is.
#pragma once

#include "kernels/abi/abi.h"

// Steps that a kernel sees at once, the one at hand and those behind it. Behind the last one stand so many with a kernel of -1.
#define INGOT_STEPS_AHEAD 8

// A step, by the index of its kernel among the program's.
struct IngotStep {
  ingot_i32 kernel;
  struct IngotOperands operands;
};
