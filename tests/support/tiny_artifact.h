// The tiny checkpoint compiled to a file, once per process.
#pragma once

#include "compiler/pipeline/options.h"
#include "tests/support/temporary_folder.h"

namespace ingot::test {

// Options that compile `checkpoint` into `output` for x86-64-v3 (or aarch64), which every test machine runs.
CompileOptions tinyOptions(const std::filesystem::path& checkpoint, const std::filesystem::path& output);

// The folder of the tiny checkpoint, and its artifact. They exist until the process ends.
const std::filesystem::path& tinyCheckpoint();
const std::filesystem::path& tinyArtifact();

}  // namespace ingot::test
