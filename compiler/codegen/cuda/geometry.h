// The launch geometry of a CUDA kernel: threads, tiles, clusters, dynamic shared memory, and the tensor map of its rows.
#pragma once

#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"

namespace ingot {

// Only what follows from the unit's sizes (<function>.spec.h). Code offsets, registers and static shared memory come from compiling it.
KernelCode cudaKernel(const KernelUnit& unit);

}  // namespace ingot
