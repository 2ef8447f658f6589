// Runs independent pieces of work on a few threads and keeps the first failure.
#pragma once

#include <cstddef>
#include <functional>

#include "runtime/base/status.h"

namespace ingot {

// Calls work(0) ... work(count - 1), each once, on `jobs` threads; stops handing out after a failure, and returns it.
Status parallelFor(size_t count, int jobs, const std::function<Status(size_t)>& work);

}  // namespace ingot
