// The ordered phases from checkpoint to file: import, passes, lower, codegen, emit.
#pragma once

#include "compiler/pipeline/options.h"

namespace ingot {

// Compiles options.checkpoint into options.output, or up to options.to. Leaves no partial file behind.
// Thread-compatible; several may run at once.
Status compileModel(const CompileOptions& options);

}  // namespace ingot
