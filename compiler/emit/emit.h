// Writes model.ingot: lays out segments, packs weights straight into the file, hashes every chunk, renames.
#pragma once

#include <atomic>
#include <filesystem>

#include "compiler/emit/contents.h"

namespace ingot {

// Progress in bytes of weights: done, total. Called occasionally, from one thread at a time.
using Progress = std::function<void(uint64_t done, uint64_t all)>;

struct EmitOptions {
  int jobs = 1;
  Progress progress;
  const std::atomic<bool>* cancelled = nullptr;
};

// The same contents give the same bytes. Leaves no file if it fails.
Status emitArtifact(const Contents& contents, const std::filesystem::path& path, const EmitOptions& options);

}  // namespace ingot
