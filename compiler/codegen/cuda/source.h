// Kernel units as CUDA C++: the same text for every GPU and for the emulator.
#pragma once

#include "compiler/codegen/cpu/compile.h"
#include "compiler/codegen/unit.h"
#include "kernels/program/walk.spec.h"

namespace ingot {

SourceUnit cudaSource(const KernelUnit& unit);

// The persistent kernel of a program with these units: one translation unit with the tiles of all that it runs, and the entry `symbol`.
std::string persistentSource(std::string_view symbol, std::span<const KernelUnit> units, const CudaWalk& walk);

}  // namespace ingot
