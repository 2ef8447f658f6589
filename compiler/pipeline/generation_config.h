// generation_config.json (or the same keys of config.json and of GGUF metadata) -> the defaults of requests.
#pragma once

#include "compiler/emit/contents.h"
#include "compiler/import/source.h"

namespace ingot {

// Reads the fields that SamplingParams takes as defaults; others do not concern a runtime of ours.
Result<GenerationConfig> readGenerationConfig(const CheckpointSource& source);

}  // namespace ingot
