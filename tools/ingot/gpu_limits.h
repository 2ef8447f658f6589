// What a GPU can do at most, measured in the same run as a model.
#pragma once

#include "runtime/exec/machine.h"

namespace ingot::cli {

// A second of each; 0 where it was not measured.
struct GpuLimits {
  double copiedBytes = 0;    // read and written when it copies its own memory
  double uploadedBytes = 0;  // from the host's memory, as weights go up
  double f16 = 0, int8 = 0;  // multiply-adds x 2 of cuBLASLt's products of matrices
  std::string notMeasured;   // why a peak of products is not known
};
// The best of a few rounds. The int8 peak where it `hasInt8` products.
Result<GpuLimits> measureGpu(const Choice& choice, bool hasInt8);

}  // namespace ingot::cli
