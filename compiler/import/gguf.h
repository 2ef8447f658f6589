// GGUF v2 and v3 (spec: ggml/docs/gguf.md): metadata and tensors of one file, and their names in Hugging Face's terms.
#pragma once

#include <nlohmann/json.hpp>

#include "compiler/import/checkpoint.h"

namespace ingot {

// Adds the file's tensors under GGUF's names and returns its metadata, one JSON value a key. Texts may be invalid UTF-8.
Result<nlohmann::ordered_json> readGguf(const std::filesystem::path& path, Checkpoint& checkpoint);

// The config.json that says what the metadata says; an architecture or a rope scaling that is not known is an error.
Result<nlohmann::ordered_json> configOfGguf(const nlohmann::ordered_json& metadata, const Checkpoint& checkpoint, const std::string& where);

// The same tensors under Hugging Face's names, with the row order of llama's q and k taken back.
Result<Checkpoint> renameGgufTensors(Checkpoint&& checkpoint, const nlohmann::ordered_json& config, const std::string& where);

}  // namespace ingot
