// The body of an exec kernel as the C++ struct Epilogue that kernels/linear/epilogue.h describes.
#pragma once

#include <string>

#include "dialects/exec/exec.h"

namespace ingot {

// `sums` values come first in the body's arguments; `extraKinds` says of each following one: 'c' per column, 'e' per element.
std::string generateEpilogue(mlir::Region& body, int64_t sums, llvm::StringRef extraKinds);

}  // namespace ingot
