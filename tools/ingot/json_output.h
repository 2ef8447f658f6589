// RequestOutput as JSON, in vLLM's shape (docs/usage.md).
#pragma once

#include <string>

#include "runtime/base/request.h"

namespace ingot::cli {

// One line, without its end.
std::string toJsonLine(const RequestOutput& output);

}  // namespace ingot::cli
