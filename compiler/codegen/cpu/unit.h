// exec.kernel -> the C++ source of one unit: constants, generated body, the kernel's header, one entry.
#pragma once

#include <string>

#include "dialects/exec/exec.h"
#include "kernels/abi/abi.h"
#include "runtime/base/status.h"

namespace ingot {

struct KernelUnit {
  std::string symbol;  // C name of the entry
  std::string name;    // linear.i4g32.n1536.k576, for people
  std::string source;
  std::string fused;  // names of the ops in its body, for people
  int64_t tiles = 1;  // for each one of the step's extent
  uint64_t scratchBytes = 0;
};

// Most tokens in one query block of attention.
constexpr int kQueryBlock = INGOT_QUERY_BLOCK;

Result<KernelUnit> generateUnit(exec::KernelOp kernel);

}  // namespace ingot
