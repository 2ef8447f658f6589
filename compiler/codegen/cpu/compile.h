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
  std::map<std::string, uint64_t> offsets;  // per unit: its entry
};

// Compiles on `jobs` threads, except for units in `cache`, which may be null. The same units and target give the same bytes. Compiler
// diagnostics are StatusCode::internal.
Result<CodeImage> compileUnits(std::span<const SourceUnit> units, const CpuTarget& target, int jobs, KernelCache* cache = nullptr);

// Links relocatable objects into an image and verifies the properties of CodeImage.
Result<CodeImage> linkImage(const std::vector<std::string>& objects, std::span<const SourceUnit> units, const CpuTarget& target);

}  // namespace ingot
