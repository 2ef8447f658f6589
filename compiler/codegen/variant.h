// The code of one target: bytes for a segment of the file, and how each kernel in it is run.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "compiler/codegen/unit.h"
#include "dialects/exec/exec.h"

namespace ingot {

// Tiles of a step that runs the kernel: `count` for every `rowsPerTile` of `extent`, the last ones perhaps not full.
struct StepTiles {
  int64_t count = 1;
  std::optional<exec::Extent> extent;  // absent: the step's own
  int64_t rowsPerTile = 1;
};

struct KernelCode {
  StepTiles tiles;
  int64_t leastRows = 0;           // of the extent: a larger kernel is run from so many on
  uint64_t offset = 0, bytes = 0;  // in the segment; 0 bytes where kernels have no ends of their own
  uint64_t scratchBytes = 0;       // of a CPU worker
  // Of a GPU's block and its threads; spills are bytes of local memory.
  uint32_t threads = 0, registers = 0, sharedBytes = 0, spillBytes = 0;
  uint32_t dynamicBytes = 0;   // of shared memory, beside sharedBytes
  uint32_t clusterBlocks = 1;  // that run at once and reach each other's shared memory
  uint32_t gridMultiple = 0;   // plan.fbs
  struct {
    uint32_t columns = 0, rows = 0, elementBytes = 0, rowBytes = 0;
  } map;  // of operand 0 (plan.fbs), for kernels that copy by one
};

// Another kernel for steps of a program's kernel: in its place, for batches with more rows, or in a step beside it, for batches of many tokens.
struct LargerKernel {
  size_t of;        // index of the program's kernel
  KernelUnit unit;  // its name and entry
  KernelCode code;
  bool isBeside = false;
};

// One kernel that walks the steps of a token alone (kernels/program).
struct PersistentKernel {
  KernelUnit unit;  // its name and entry
  std::string source;
  KernelCode code;
};

// What a GPU has beside a kernel for every step.
struct ExtraKernels {
  std::vector<LargerKernel> larger;
  std::optional<PersistentKernel> persistent;
};

struct VariantCode {
  std::string target;                 // as the file names it
  std::vector<std::string> features;  // CPU features that the code needs, in LLVM's names
  std::vector<std::byte> bytes;
  uint32_t cudaVersion = 0;         // of NVRTC: 13000 for 13.0
  std::vector<KernelCode> kernels;  // in the program's order
  ExtraKernels extra;
};

// Kernels that were compiled behind those of the program, in the order of `extra`, become its.
inline void splitExtra(VariantCode& variant, ExtraKernels extra) {
  size_t program = variant.kernels.size() - extra.larger.size() - (extra.persistent ? 1 : 0);
  for (size_t i = 0; i < extra.larger.size(); ++i) extra.larger[i].code = variant.kernels[program + i];
  if (extra.persistent) extra.persistent->code = variant.kernels.back();
  variant.kernels.resize(program);
  variant.extra = std::move(extra);
}

}  // namespace ingot
