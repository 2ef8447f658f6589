// Every target by its name: what --target takes, and the code that it becomes.
#pragma once

#include <functional>
#include <span>

#include "compiler/codegen/cuda/compile.h"
#include "compiler/codegen/kernel_cache.h"
#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"

namespace ingot {

struct Target {
  std::string name;          // canonical, as the file names it
  std::string sourceEnding;  // .cpp or .cu
  bool isGpu;                // or emulates one: it has the kernels of GPUs alone, and makes random weights itself, from a recipe in the file
  std::function<SourceUnit(const KernelUnit&)> source;
  std::function<Result<VariantCode>(std::span<const KernelUnit> units, int jobs)> generate;
};

struct TargetOptions {
  std::string cudaToolkit;  // where NVRTC is looked for beside the usual places
  CudaCompile cudaCompile;  // empty: NVRTC
  CudaChoices cuda;
  KernelCache* kernelCache = nullptr;  // has or takes compiled kernels; null: all are compiled
};

// The targets that one spelling stands for; a refusal lists what there is, or says what to install.
Result<std::vector<Target>> parseTarget(const std::string& spelling, const TargetOptions& options = {});

// Every spelling, whether or not NVRTC is here, for messages and --print-targets.
std::vector<std::string> targetNames();

}  // namespace ingot
