// tokenizer.model of SentencePiece (sentencepiece_model.proto) and tiktoken files, both read here without a library.
#pragma once

#include <filesystem>

#include "compiler/text/tables.h"
#include "compiler/text/text_json.h"

namespace ingot {

// `config` is tokenizer_config.json, null without: which special tokens are added, and whether the space before the text is `legacy`.
Result<TokenizerTables> readSentencePiece(std::string_view bytes, const TextJson& config);

// Lines of a token in base64 and its rank; the pattern is told from the number of tokens. Special tokens come from `config`.
bool isTiktoken(std::string_view text);
Result<TokenizerTables> readTiktoken(std::string_view text, const TextJson& config, const Note& note);

}  // namespace ingot
