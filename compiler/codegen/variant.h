// The code of one target: bytes for a segment of the file, and how each kernel in it is launched.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "compiler/codegen/unit.h"
#include "dialects/exec/exec.h"

namespace ingot {

// Tiles of a step: `count` for every `rowsPerTile` rows of `extent`; the last ones may be partly filled.
struct StepTiles {
  int64_t count = 1;
  std::optional<exec::Extent> extent;  // absent: the step's own
  int64_t rowsPerTile = 1;
};

struct KernelCode {
  StepTiles tiles;
  int64_t leastRows = 0;           // larger kernels: smallest row count of the extent for which it runs
  uint64_t offset = 0, bytes = 0;  // in the segment; 0 bytes if the segment is one image
  uint64_t scratchBytes = 0;       // per CPU worker
  // GPUs: threads and static shared memory of a block, registers and spilled bytes of a thread.
  uint32_t threads = 0, registers = 0, sharedBytes = 0, spillBytes = 0;
  uint32_t dynamicBytes = 0;   // dynamic shared memory, besides sharedBytes
  uint32_t clusterBlocks = 1;  // blocks per cluster
  uint32_t gridMultiple = 0;   // plan.fbs
  struct {
    uint32_t columns = 0, rows = 0, elementBytes = 0, rowBytes = 0;
  } map;  // tensor map of operand 0 (plan.fbs); zeros if the kernel uses none
};

// A second kernel for the steps of a program's kernel. It replaces that one for batches with more rows or, if `isBeside`, runs as an additional step
// for batches of many tokens.
struct LargerKernel {
  size_t of;        // index of the program's kernel
  KernelUnit unit;  // its name and entry
  KernelCode code;
  bool isBeside = false;
};

// One kernel that runs the first steps of a single-token batch, usually all but sampling (kernels/program).
struct PersistentKernel {
  KernelUnit unit;  // its name and entry
  std::string source;
  KernelCode code;
};

// GPU kernels beyond one per step.
struct ExtraKernels {
  std::vector<LargerKernel> larger;
  std::optional<PersistentKernel> persistent;
};

struct VariantCode {
  std::string target;                 // canonical name
  std::vector<std::string> features;  // CPU features that the code needs, in LLVM's names
  std::vector<std::byte> bytes;
  uint32_t cudaVersion = 0;         // of NVRTC: 13000 for 13.0
  std::vector<KernelCode> kernels;  // in the program's order
  ExtraKernels extra;
};

// Moves the code of the extra kernels, which were compiled after the program's in the order of `extra`, into `variant.extra`.
inline void splitExtra(VariantCode& variant, ExtraKernels extra) {
  size_t program = variant.kernels.size() - extra.larger.size() - (extra.persistent ? 1 : 0);
  for (size_t i = 0; i < extra.larger.size(); ++i) extra.larger[i].code = variant.kernels[program + i];
  if (extra.persistent) extra.persistent->code = variant.kernels.back();
  variant.kernels.resize(program);
  variant.extra = std::move(extra);
}

}  // namespace ingot
