// From how many rows on the larger kernel of a linear pays on this GPU: rows for compiler/codegen/cuda/measured.inc.
#pragma once

#include <string>
#include <vector>

#include "runtime/exec/program.h"

namespace ingot::cli {

// One line of that table for each shape of a linear that has a larger kernel, sorted.
Result<std::vector<std::string>> tune(const Artifact& artifact, const Choice& choice);

}  // namespace ingot::cli
