// Targets by name: the spellings of --target, and code generation for each.
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
  bool isGpu;                // or emulates one: has GPU-only kernels, and makes random weights itself from a recipe in the file
  std::function<SourceUnit(const KernelUnit&)> source;
  std::function<Result<VariantCode>(std::span<const KernelUnit> units, int jobs)> generate;
};

struct TargetOptions {
  std::string cudaToolkit;  // a further place to look for NVRTC
  CudaCompile cudaCompile;  // empty: NVRTC
  CudaChoices cuda;
  KernelCache* kernelCache = nullptr;  // null: kernels are always compiled
};

// The targets that one spelling stands for. The error lists the valid ones, or says what to install.
Result<std::vector<Target>> parseTarget(const std::string& spelling, const TargetOptions& options = {});

// Every spelling, whether or not NVRTC is installed, for messages and --print-targets.
std::vector<std::string> targetNames();

}  // namespace ingot
