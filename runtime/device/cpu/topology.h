// What this machine's CPU is: cores that this process may use, instruction sets.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace ingot {

// Physical cores in this process's affinity mask, at most its cgroup's CPU quota; at least 1.
int usableCores();

// Whether this CPU has `feature`, in LLVM's spelling (avx2, avx512vnni, dotprod ...).
bool hasCpuFeature(std::string_view feature);

// Empty when all are there, else the first that is missing.
std::string missingCpuFeature(const std::vector<std::string>& features);

}  // namespace ingot
