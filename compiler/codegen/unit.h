// exec.kernel -> the target-independent parts of its source: constants, generated body, names. Targets add the text around them
// (cpu/source.h, cuda/source.h).
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
  std::string header;     // kernels/linear/linear; the target adds its suffix
  std::string constants;  // lines `constexpr TYPE NAME = VALUE;` that the header expects
  std::string body;       // struct Epilogue; empty if the function has none
  std::string fused;      // names of the ops in the body, for people
  // Sizes that determine tile counts and scratch; 0 if the function does not have them.
  int64_t channels = 0, columns = 0, group = 0, sums = 1, resultGroup = 0, kvHeads = 0, groupHeads = 0, headDim = 0;
  WeightFormat format = WeightFormat::f32;
  bool selected = false;  // computes the batch's rows of logits instead of all tokens
  bool narrow = false;    // input rows are f16 on GPUs (kernels/prim/narrow.cuh)
  bool halves = false;    // the KV cache has 16-bit elements
  bool gpuOnly = false;
  bool alone = false;  // single-token batches run it
  int shape = 0;       // index into kCudaWide or kCudaWideCodes, for those kernels
  // Fused kernels (kernels/alone) also do the preceding step, rows or rope_append: this is its unit, at most one. Its constants become a struct
  // inside this unit's own.
  std::vector<KernelUnit> preceding;
};

// Most tokens in one query block of attention.
constexpr int kQueryBlock = INGOT_QUERY_BLOCK;

Result<KernelUnit> generateUnit(exec::KernelOp kernel);

}  // namespace ingot
