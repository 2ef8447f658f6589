// The body of an exec kernel as the C++ struct Epilogue that kernels/linear/epilogue.h describes. The code is the same for
// every target: it computes on vectors of 16 columns (CPU) or on single columns (CUDA).
#pragma once

#include <string>

#include "dialects/exec/exec.h"

namespace ingot {

// The body's arguments are `sums` sums, then extras; `extraKinds` has a letter for each extra: 'c' per column, 'e' per element.
std::string generateEpilogue(mlir::Region& body, int64_t sums, llvm::StringRef extraKinds);

}  // namespace ingot
