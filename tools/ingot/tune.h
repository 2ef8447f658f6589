// From how many rows on the larger kernels of a linear pay on this GPU, and whether a token alone does as one kernel: rows for
// compiler/codegen/cuda/measured.inc.
#pragma once

#include <string>
#include <vector>

#include "runtime/exec/program.h"

namespace ingot::cli {

// One line of that table for each of them, sorted.
Result<std::vector<std::string>> tune(const Artifact& artifact, const Choice& choice);

}  // namespace ingot::cli
