// exec.kernel -> what every target's source of it is made of: constants, generated body, names. The text around them is the
// target's own (cpu/source.h, cuda/source.h).
#pragma once

#include <string>
#include <vector>

#include "dialects/exec/exec.h"
#include "kernels/abi/abi.h"
#include "kernels/linear/layout.h"
#include "runtime/base/status.h"

namespace ingot {

struct KernelUnit {
  std::string symbol;     // C name of the entry
  std::string name;       // linear.i4g32.n1536.k576, for people
  std::string function;   // linear
  std::string header;     // kernels/linear/linear, without the target's ending
  std::string constants;  // lines `constexpr TYPE NAME = VALUE;`, as the headers of the function want them
  std::string body;       // struct Epilogue; empty where the function has none
  std::string fused;      // names of the ops in the body, for people
  // Sizes that tile counts and scratch follow from; 0 where the function has none.
  int64_t channels = 0, columns = 0, group = 0, sums = 1, resultGroup = 0, kvHeads = 0, groupHeads = 0, headDim = 0;
  WeightFormat format = WeightFormat::f32;
  bool selected = false;  // of the batch's rows rather than its tokens
  bool narrow = false;    // its rows are f16 on GPUs (kernels/prim/narrow.cuh)
  bool halves = false;    // its cache has elements of 16 bits
  bool gpuOnly = false;
  bool alone = false;  // a batch of one token runs it
  int shape = 0;       // of kCudaWide, for its kernels
  // Of a kernel for a token alone: what makes its rows, or appends the token, as constants within its own (kernels/alone).
  std::vector<KernelUnit> before;
};

// Most tokens in one query block of attention.
constexpr int kQueryBlock = INGOT_QUERY_BLOCK;

Result<KernelUnit> generateUnit(exec::KernelOp kernel);

}  // namespace ingot
