// The kernels of an artifact's cuda-emulated variant, in the place of those that a GPU would run.
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
  unsigned dynamicBytes;  // of shared memory
  unsigned mapRows;       // of a box of the kernel's map of rows, or 0
  unsigned gridMultiple;  // of a persistent kernel: its number of blocks is a multiple of this; 0: one for each tile
};

// Not thread-safe.
class Emulator {
 public:
  static Result<std::unique_ptr<Emulator>> open(const std::string& artifact);
  // Null where the variant has none of that name.
  const EmulatedKernel* find(const std::string& entry) const;
  // Runs so many blocks of it; what is in front, where there is something, when none of their threads can go on without.
  void run(const EmulatedKernel& kernel, unsigned blocks, const IngotBatch* batch, const IngotOperands& operands, const Action& inFront);

 private:
  std::unique_ptr<Artifact> artifact_;
  CodeMapping code_;
  std::map<std::string, EmulatedKernel> kernels_;
  std::array<Memory, kMostEarly + 1> scratch_;  // of launches that have begun and not ended
  size_t running_ = 0;                          // how many these are
};

}  // namespace ingot::test
