// Vocabularies in the forms that checkpoints have them, each as tables.
#pragma once

#include <filesystem>

#include "compiler/text/tables.h"
#include "compiler/text/text_json.h"

namespace ingot {

// tokenizer.json, vocab.json with merges.txt, a SentencePiece model or a tiktoken file. Nothing where the folder has none.
// `config` is tokenizer_config.json and `specialMap` special_tokens_map.json; null where absent.
Result<std::optional<TokenizerTables>> readVocabularyFolder(const std::filesystem::path& folder, const TextJson& config, const TextJson& specialMap,
                                                            const Note& note);

// A SentencePiece model or a tiktoken file, told apart by what is in it.
Result<TokenizerTables> readModelFile(const std::filesystem::path& path, const TextJson& config, const Note& note);

// tokenizer.ggml.* of a GGUF file. Nothing where it has no vocabulary.
Result<std::optional<TokenizerTables>> readGgufVocabulary(const nlohmann::ordered_json& metadata, const std::string& where, const Note& note);
// bos_token, eos_token and so on, by content.
std::vector<std::pair<std::string, std::string>> ggufSpecialTokens(const nlohmann::ordered_json& metadata);

// Any of these by path: a folder, a .gguf file, or one vocabulary file.
Result<TokenizerTables> readVocabulary(const std::filesystem::path& path, const Note& note);

// A special token of tokenizer_config.json or special_tokens_map.json: a string or an object with "content"; empty where absent.
Result<std::string> tokenContent(const TextJson& json, const char* name);

}  // namespace ingot
