// Kernel units -> one position-independent code image, by clang and lld in this process. Needs no compiler installed.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/kernel_cache.h"
#include "runtime/base/status.h"

namespace ingot {

struct SourceUnit {
  std::string symbol;
  std::string source;
};

// One read-execute segment in which offsets are addresses: no relocations, no outside symbols, nothing writable.
struct CodeImage {
  std::vector<std::byte> bytes;
  std::map<std::string, uint64_t> offsets;  // of every unit's entry
};

// Compiles on `jobs` threads, but for what `cache` (or null) has. The same units and target give the same bytes. A diagnostic is
// StatusCode::internal.
Result<CodeImage> compileUnits(std::span<const SourceUnit> units, const CpuTarget& target, int jobs, KernelCache* cache = nullptr);

// Links relocatable objects into an image and proves what CodeImage promises.
Result<CodeImage> linkImage(const std::vector<std::string>& objects, std::span<const SourceUnit> units, const CpuTarget& target);

}  // namespace ingot
