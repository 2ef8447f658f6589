// The kernels of an artifact's cuda-emulated variant, run in place of the GPU's.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "kernels/abi/abi.h"
#include "runtime/device/cpu/code.h"
#include "runtime/device/memory.h"
#include "runtime/format/artifact.h"
#include "tests/support/cuda_stub/streams.h"

namespace ingot::test {

struct EmulatedKernel {
  IngotTileFunction function;
  unsigned dynamicBytes;  // dynamic shared memory
  unsigned mapRows;       // rows of a box of the kernel's tensor map; 0: it has none
  unsigned gridMultiple;  // persistent grid: the number of blocks is a multiple of this; 0: one block per tile
};

// Not thread-safe.
class Emulator {
 public:
  static Result<std::unique_ptr<Emulator>> open(const std::string& artifact);
  // Null if the variant has no such kernel.
  const EmulatedKernel* find(const std::string& entry) const;
  // Runs `blocks` blocks. `inFront`, if not empty, is the unfinished work in front; it runs when no thread can go on without it.
  void run(const EmulatedKernel& kernel, unsigned blocks, const IngotBatch* batch, const IngotOperands& operands, const Action& inFront);

 private:
  std::unique_ptr<Artifact> artifact_;
  CodeMapping code_;
  std::map<std::string, EmulatedKernel> kernels_;
  std::array<Memory, kMostEarly + 1> scratch_;  // one per launch in progress
  size_t running_ = 0;                          // launches in progress
};

}  // namespace ingot::test
