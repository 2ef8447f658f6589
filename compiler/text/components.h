// The components of tokenizer.json, each read into the steps that say the same. `part` is an object whose "type" is `type`;
// an error says what of it cannot be represented.
#pragma once

#include "compiler/text/tables.h"
#include "compiler/text/text_json.h"

namespace ingot {

Status readNormalizer(const TextJson& part, const std::string& type, TokenizerTables& tables);
Status readPreTokenizer(const TextJson& part, const std::string& type, TokenizerTables& tables);
Status readPostProcessor(const TextJson& part, const std::string& type, TokenizerTables& tables);
Status readDecoder(const TextJson& part, const std::string& type, TokenizerTables& tables);

// The model part: vocabulary, merges, scores. Fills tokens and model.
Status readTokenModel(const TextJson& model, TokenizerTables& tables);

// {"String": ...} or {"Regex": ...} under "pattern".
Result<PatternEntry> readPattern(const TextJson& part);
PatternEntry setPattern(icu::UnicodeSet set, std::string name);
// Metaspace's prepend_scheme, or the add_prefix_space of older files: 0 never, 1 first, 2 always.
Result<uint8_t> readPrependScheme(const TextJson& part);

// GPT-2's pre-tokenizer.
inline constexpr const char* kGpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
inline constexpr const char* kSpaceMark = "\xe2\x96\x81";  // U+2581, sentencepiece's space

}  // namespace ingot
