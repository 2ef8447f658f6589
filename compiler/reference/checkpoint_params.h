// Parameters for the interpreter, out of a checkpoint: rounded to their storage by the packer itself, and unpacked.
#pragma once

#include "compiler/import/checkpoint.h"
#include "compiler/reference/interpreter.h"

namespace ingot {

// `checkpoint` must outlive the function, and the module must be bound to it (bindCheckpoint).
LoadParam checkpointParams(const Checkpoint& checkpoint);

}  // namespace ingot
