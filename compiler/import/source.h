// Where a checkpoint comes from: a Hugging Face folder, a GGUF file, or a hub id in the local cache.
#pragma once

#include <nlohmann/json.hpp>

#include "compiler/import/checkpoint.h"
#include "compiler/import/decoder_spec.h"

namespace ingot {

struct CheckpointSource {
  std::string where;             // for messages
  std::filesystem::path folder;  // of a Hugging Face checkpoint; empty for GGUF
  nlohmann::ordered_json config;
  nlohmann::ordered_json generation;  // generation_config.json; null without
  nlohmann::ordered_json gguf;        // metadata of a GGUF file; null otherwise
  Checkpoint checkpoint;              // empty when only shapes were asked for
  DecoderSpec spec;
  std::vector<std::string> notes;  // what a user should know of it
};

// `name` is a folder, a .gguf file, or a hub id such as facebook/opt-125m. `shapesOnly`: the weights may be missing.
Result<CheckpointSource> openSource(const std::string& name, const std::filesystem::path& hubCache, bool shapesOnly);

}  // namespace ingot
